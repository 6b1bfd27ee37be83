/**
 * Approvals: a person agrees to one call with its exact arguments, once. Where untrusted input has met sensitive data, a
 * change outside is judged by policy, whatever the tool says of itself.
 */
import { hashJson, type Json, reviewableText, TimeoutError } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import {
  allLabels,
  type DecidedCall,
  describeDecision,
  describeTaint,
  isJoined,
  type PolicyDecision,
  type TaintedAction,
  type TaintGuard,
} from '../../security/index.ts'
import { needsApproval, reachesOutside, type Tool, toolRules } from '../../tools/index.ts'
import type { AskOptions, StepContext } from '../agent-port.ts'
import type { LlmRun } from '../model/llm-run.ts'
import { createQuestion, recordedAsk } from './ask-question.ts'

export interface Approval {
  readonly approve: boolean
  readonly hash: string
  readonly reason?: string
  /** The rejection for the model, if no person was asked. */
  readonly rejection?: string
}

/** Returns the hash of the call that an approval is valid for. */
export const approvalHash = (tool: string, args: Json): string => hashJson([tool, args])
export const agreed = (approval: Approval): boolean => approval.approve === true

/** What an approval is asked with. */
export interface Asking {
  readonly recorder: Recorder
  /** If absent, no person can be asked, and a call that needs an approval is rejected. */
  readonly ask?: StepContext['ask']
  readonly guard: TaintGuard
  /** The name of the acting agent, which may be a helper. */
  readonly agent: string
  /** True if the run has its own timeout for answers. */
  readonly ownTimeout?: boolean
}

export const taintedActionOf = ({ recorder, agent }: Asking, action: string): TaintedAction => ({
  userId: recorder.principal.userId,
  agent,
  action,
  taint: recorder.taint,
})

/** A call to decide on. */
export type JudgedCall = Omit<DecidedCall, 'sourceOf'>

/**
 * Returns the decision of the policy. It is recorded if a rule applies, so that a replay decides equally under another
 * policy.
 */
export async function judgeCall(asking: Asking, call: JudgedCall, name: string): Promise<PolicyDecision> {
  const { recorder, guard, agent } = asking
  const { action, labels, outside, rules } = call
  const taint = allLabels(labels)
  if (!(outside && isJoined(taint)) && !guard.isRuled(action, rules)) return { verdict: 'allow' }
  const actor = { userId: recorder.principal.userId, agent }
  return recorder.answer<PolicyDecision>({ kind: 'policy', name }, () => {
    const decision = guard.decide(actor, { ...call, sourceOf: (label) => recorder.taintSource(label) })
    if (decision.verdict === 'ask' && !asking.ask) guard.denied(taintedActionOf(asking, action))
    return isJoined(taint) ? { ...decision, joined: describeTaint(taint) } : decision
  })
}

/** @param id of the call in its step */
export async function verdictOn(
  asking: Asking,
  {
    tool,
    id,
    input,
    labels,
    rules,
  }: {
    readonly tool: Tool
    readonly id: string
    readonly input: unknown
    readonly labels: JudgedCall['labels']
    readonly rules: JudgedCall['rules']
  },
): Promise<PolicyDecision> {
  const call = { action: tool.name, labels, outside: reachesOutside(tool), rules: { ...rules, tool: toolRules(tool) } }
  const decision = await judgeCall(asking, call, `${tool.name} ${id}`)
  if (decision.verdict !== 'allow') return decision
  return (await needsApproval(tool, input)) ? { ...decision, verdict: 'ask' } : decision
}

/** Asks for an approval. An answer with the hash of other arguments approves nothing; `answer` rejects it before. */
export async function askApproval(
  asking: Asking & Required<Pick<Asking, 'ask'>>,
  action: string,
  args: Json,
  decision: PolicyDecision,
): Promise<Approval> {
  const { recorder, guard, agent, ownTimeout } = asking
  const timeout = ownTimeout ? {} : { timeout: guard.approvalTimeout }
  const taintedAction = taintedActionOf(asking, action)
  const hash = approvalHash(action, args)
  const { joined } = decision
  const described = describeDecision(decision)
  const why = `${joined === undefined ? '' : ` It holds ${joined}.`}${described === '' ? '' : ` ${described}.`}`
  const text = `May ${agent} call ${action} with ${reviewableText(args)}?${why}`
  const answer = await answerOf(() => asking.ask({ kind: 'approval', text, tool: action, args, hash, ...timeout }))
  if (answer?.approve === true && answer.hash === hash) return { approve: true, hash }
  recorder.answerNow({ kind: 'denied', name: action }, () => {
    guard.denied(taintedAction)
    return true
  })
  const reason = answer?.approve === true ? 'the approval was for other arguments' : answer?.reason
  return { approve: false, hash, ...(typeof reason === 'string' ? { reason } : {}) }
}

async function answerOf(ask: () => Promise<Json>): Promise<Partial<Approval> | null> {
  try {
    return (await ask()) as Partial<Approval> | null
  } catch (error) {
    if (error instanceof TimeoutError) return { approve: false, reason: 'it was not approved in time' }
    throw error
  }
}

/** The result that replaces the call. */
export type Edited = {
  readonly result: Json
}

/**
 * Stops at a breakpoint that is set now. A step that is executed again stops where it stopped before, and not at a call that
 * it has made, although the breakpoints were changed since.
 * @returns undefined if the call executes
 */
export function askBreakpoint(
  { entry: { ctx, recorder, services }, definition }: LlmRun,
  tool: string,
  args: Json,
): Promise<Edited | undefined> | undefined {
  const kind = 'breakpoint'
  const question = (): AskOptions => {
    const text = `Breakpoint: ${definition.name} is about to call ${tool} with ${reviewableText(args)}.`
    return { kind, text, tool, args }
  }
  const record = recorder.recordOfWait({ kind: 'ask', name: kind }, () => recordedAsk(createQuestion(question())).input)
  const isSet = services.limits.breakOn?.includes(tool) === true
  if (record === 'passed' || (record === 'new' && !isSet)) return undefined
  return ctx.ask(question()).then((answer) => (answer === true ? undefined : (answer as Edited)))
}
