/**
 * Executes the tool calls of one turn. Every call gets a result, also a rejected or failed one; results are in the
 * model's order. The first coordination call is applied after the tools; further `invoke_agent` calls beside a first one
 * invoke their agents in parallel with it.
 */
import PQueue from 'p-queue'
import { failedWith, type Json, nearest } from '../../core/index.ts'
import type { PolicyDecision } from '../../security/index.ts'
import { parseArguments } from '../../tools/index.ts'
import type { AskOptions, Routing } from '../agent-port.ts'
import { readCallFlow } from '../flows/call-flow.ts'
import { discloseResult } from '../flows/disclose-result.ts'
import { queryHandle } from '../flows/query-handle.ts'
import { queryHandleName } from '../flows/query-handle-tool.ts'
import {
  type Approval,
  type Asking,
  agreed,
  approvalHash,
  askApproval,
  askBreakpoint,
  type Edited,
  taintedActionOf,
  verdictOn,
} from '../step/approval.ts'
import {
  type Called,
  callAgentTool,
  callHelper,
  type ParsedCall,
  type ParsedHelperCall,
  type ParsedToolCall,
  reportUncalled,
  toolFailureMessage,
} from './call-agent-tool.ts'
import {
  argumentsOf,
  errorOutput,
  type ToolCallPart,
  type ToolResultPart,
  toolResult,
  valueOutput,
} from './content/model-messages.ts'
import { structuredOf } from './content/structured-text.ts'
import { withUnsent } from './content/unsent.ts'
import { type Coordination, isCoordination, readCoordination } from './coordination.ts'
import type { LlmRun } from './llm-run.ts'
import { fieldsOf } from './offer.ts'

const defaultParallelTools = 8

export interface CallsDone {
  /** In the model's order. The call of `invoke_agent` that starts a fan-out is answered when its branches have joined. */
  readonly results: readonly ToolResultPart[]
  readonly routing: Routing | undefined
  /** True if none of the calls could be executed. */
  readonly allWrong: boolean
  readonly lastProblem: string
}

/** A parsed call, with the values that its execution needs. */
type Planned =
  | ({ readonly kind: 'tool' } & ParsedToolCall)
  | ({ readonly kind: 'helper' } & ParsedHelperCall)
  | ({ readonly kind: 'query' } & ParsedCall)
  | { readonly kind: 'coordination'; readonly call: ToolCallPart; readonly meant: Coordination; readonly args: Json }
  | {
      readonly kind: 'rejected'
      readonly call: ToolCallPart
      readonly problem: string
      readonly errorId?: string
      readonly result: ToolResultPart
      readonly args: Json
    }

export async function executeCalls(run: LlmRun, turn: number, calls: readonly ToolCallPart[]): Promise<CallsDone> {
  const planned: Planned[] = []
  for (const [i, call] of calls.entries()) planned.push(await plan(run, `${turn}.${i + 1}`, call, planned))
  const concurrency = run.definition.settings.maxParallelTools ?? defaultParallelTools
  // Most turns have fewer calls than may run at once: they need no queue.
  const queue = planned.length > concurrency ? new PQueue({ concurrency }) : undefined
  const breakpoints = planned.map((one) => reachBreakpoint(run, one))
  const decided = await requestApprovals(run, planned)
  const called = await all(planned.map((one, i) => carryOut(run, queue, one, decided[i], breakpoints[i])))
  const results: (ToolResultPart | undefined)[] = []
  let routing: Routing | undefined
  for (const [i, one] of planned.entries()) {
    const done = called[i]
    if (one.kind === 'coordination') {
      const led = await applyCoordination(run, one.call, one.meant)
      results.push(led.result)
      routing = joinRoutings(routing, led.routing)
    } else if (done) {
      const result = one.kind === 'rejected' ? done.result : discloseResult(run, finishedCall(one), done)
      results.push(done.errorId === undefined ? result : withUnsent(result, 'errorId', done.errorId))
      const { toolCallId, toolName } = one.call
      run.report.called({ id: toolCallId, name: toolName, args: one.args, success: done.success, result: done.value })
    }
  }
  const rejected = planned.filter((one) => one.kind === 'rejected')
  return {
    results: results.filter((result) => result !== undefined),
    routing,
    allWrong: rejected.length === planned.length,
    lastProblem: rejected.at(-1)?.problem ?? '',
  }
}

const finishedCall = (one: Exclude<Planned, { readonly kind: 'rejected' | 'coordination' }>) => ({
  call: one.call,
  args: one.args,
  flow: one.flow,
  ...(one.kind === 'tool' ? { hide: one.tool.hide, declassify: one.tool.declassify } : {}),
  ...(one.kind === 'query' ? { hide: true as const } : {}),
})

/** Waits for all calls, even if one of them ends the step. */
async function all<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

async function carryOut(
  run: LlmRun,
  queue: PQueue | undefined,
  one: Planned,
  { asked, exempt = false }: Decided = {},
  stopped: Promise<Edited | undefined> | undefined,
): Promise<Called | undefined> {
  if (one.kind === 'coordination') return undefined
  if (one.kind === 'rejected') {
    const { result, problem, errorId } = one
    return { result, success: false, value: { error: problem }, ...(errorId === undefined ? {} : { errorId }) }
  }
  const approval = await asked
  if (approval && !agreed(approval)) {
    const reason = approval.rejection ?? `Not approved: ${approval.reason ?? 'no reason given'}`
    return {
      result: toolResult(one.call, { type: 'execution-denied', reason }),
      success: false,
      value: { error: reason },
    }
  }
  const edited = await stopped
  if (edited) return { result: toolResult(one.call, valueOutput(edited.result)), success: true, value: edited.result }
  const { onCall } = run.entry
  const { toolCallId: id, toolName: tool } = one.call
  const carry = async () => {
    onCall?.({ type: 'tool-call', id, tool, args: one.args })
    const agreed = exempt || approval !== undefined
    const done = await (one.kind === 'tool'
      ? callAgentTool(run, { ...one, agreed })
      : one.kind === 'helper'
        ? callHelper(run, one)
        : queryHandle(run, one))
    onCall?.({ type: 'tool-result', id, tool, success: done.success })
    return done
  }
  return queue ? queue.add(carry) : carry()
}

async function plan(run: LlmRun, id: string, call: ToolCallPart, before: readonly Planned[]): Promise<Planned> {
  const { offer, entry, definition } = run
  const name = call.toolName
  const read = argumentsOf(call)
  const args = read.ok ? read.args : null
  const rejectCall = (problem: string, more: { readonly [key: string]: Json } = {}, errorId?: string): Planned => {
    const result = toolResult(call, errorOutput({ error: problem, ...more }))
    return { kind: 'rejected', call, problem, args, result, ...(errorId === undefined ? {} : { errorId }) }
  }
  const known = offer.declared.map((tool) => tool.name)
  if (!known.includes(name)) {
    const near = nearest(name, known)
    return rejectCall(`There is no tool ${name}; it is unknown here.`, {
      ...(near === undefined ? {} : { suggestion: `Did you mean ${near}?` }),
      available_tools: known,
    })
  }
  if (!read.ok)
    return rejectCall(`The arguments of ${name} can't be read: ${read.problem}`, {
      suggestion: 'Call it again with one JSON object.',
    })
  if (isCoordination(name)) {
    if (before.some((one) => isCoordination(one.call.toolName) && !(invokes(one) && name === 'invoke_agent')))
      return rejectCall('Only the first coordination call of a turn counts; this one was not carried out.', {
        suggestion: 'Make one of them a turn; call it again if it is still wanted.',
      })
    const meant = await checkFinish(run, readCoordination(name, read.args, entry.flow))
    if (meant.kind !== 'wrong') return { kind: 'coordination', call, meant, args: read.args }
    return rejectCall(
      `${name} was not carried out: ${meant.problem}`,
      meant.suggestion === undefined ? {} : { suggestion: meant.suggestion },
    )
  }
  const flow = readCallFlow(run, read.args)
  if (flow.unknown !== undefined)
    return rejectCall(`${flow.unknown} is not a handle of this conversation.`, {
      suggestion: 'Pass a handle exactly as a result gave it.',
    })
  const tool = offer.tools.get(name)
  if (tool) {
    try {
      const input = await parseArguments(tool, flow.args)
      return { kind: 'tool', call, id, tool, args: flow.args, input, flow }
    } catch (error) {
      reportUncalled(run, tool, error)
      // The problem may quote the arguments, and the model must not read a value behind a handle.
      const problem = flow.fromHandle.length > 0 ? `The arguments of ${name} do not fit.` : (error as Error).message
      const { errorId } = failedWith(error)
      const suggestion = 'Correct the arguments and call it again.'
      return rejectCall(problem, { suggestion, parameters: tool.parameters }, errorId)
    }
  }
  if (name === queryHandleName && run.handles) return { kind: 'query', call, id, args: read.args, flow }
  const helper = offer.helpers.get(name)
  if (helper && fieldsOf(helper)) return { kind: 'helper', call, id, helper, args: flow.args, flow }
  const request = (flow.args as { readonly request?: Json } | null)?.request
  if (!helper || request === undefined) return rejectCall(`${name} of ${definition.name} needs { "request": … }`)
  return { kind: 'helper', call, id, helper, args: request, flow }
}

/** Checks that the value of `finish` fits the output schema of the agent. */
async function checkFinish(run: LlmRun, meant: Coordination): Promise<Coordination> {
  const schema = run.definition.output
  if (!schema || meant.kind !== 'routing' || meant.routing.kind !== 'finish') return meant
  const found = await structuredOf(schema, meant.routing.value)
  return found.ok
    ? { kind: 'routing', routing: { kind: 'finish', value: found.value } }
    : { kind: 'wrong', problem: found.problem }
}

/** The decision about one call; `asked` is the approval, or the reason for its absence. */
interface Decided {
  readonly asked?: Promise<Approval>
  /** True if a rule of the troupe allows the external action. */
  readonly exempt?: boolean
}

/** Asks in the model's order, before any tool executes, so that a replay asks the same question for the same call. */
async function requestApprovals(run: LlmRun, planned: readonly Planned[]): Promise<readonly Decided[]> {
  const { entry, definition } = run
  const { recorder, ctx, services } = entry
  const { guard, limits } = services
  const ownTimeout = limits.timeouts.human !== undefined
  const ask = (question: AskOptions) => ctx.ask(question)
  const asking = { recorder, guard, agent: definition.name, ask, ownTimeout }
  const verdicts: (PolicyDecision | { readonly problem: string } | undefined)[] = []
  for (const one of planned) verdicts.push(one.kind === 'tool' ? await verdictOf(run, asking, one) : undefined)
  return planned.map((one, i): Decided => {
    const decision = verdicts[i]
    if (decision === undefined || one.kind !== 'tool') return {}
    const { name } = one.tool
    const rejected = (rejection: string): Decided => ({
      asked: Promise.resolve({ approve: false, hash: approvalHash(name, one.args), rejection }),
    })
    if ('problem' in decision) return rejected(decision.problem)
    if (decision.verdict === 'allow') return decision.exempt ? { exempt: true } : {}
    if (decision.verdict === 'block') return rejected(guard.rejection(taintedActionOf(asking, name), decision).message)
    const asked = askApproval(asking, name, one.args, decision)
    // Awaited beside the running tools; a rejection in between is not lost.
    asked.catch(() => {})
    return { asked }
  })
}

/** If `needsApproval` of a tool fails, the tool is not called, and the step continues. */
async function verdictOf(run: LlmRun, asking: Asking, call: Extract<Planned, { readonly kind: 'tool' }>) {
  const { tool, id, input, flow } = call
  try {
    const rules = { team: run.entry.services.limits.teamRules, agent: run.definition.rules }
    return await verdictOn(asking, { tool, id, input, labels: flow.labels, rules })
  } catch (error) {
    reportUncalled(run, call.tool, error)
    return { problem: `Not called: whether it needs an approval could not be told: ${toolFailureMessage(run, error)}` }
  }
}

/** Asks together with the approvals, before any tool executes. */
function reachBreakpoint(run: LlmRun, one: Planned): Promise<Edited | undefined> | undefined {
  if (one.kind !== 'tool') return undefined
  const stopped = askBreakpoint(run, one.tool.name, one.args)
  stopped?.catch(() => {})
  return stopped
}

/** Models that call tools in parallel name one agent in each of several calls. */
const invokes = (one: Planned): boolean => one.kind === 'coordination' && one.call.toolName === 'invoke_agent'

const joinRoutings = (first: Routing | undefined, next: Routing | undefined): Routing | undefined =>
  first?.kind === 'invoke' && next?.kind === 'invoke'
    ? { kind: 'invoke', targets: [...first.targets, ...next.targets] }
    : next

/** Executes the coordination call that decides the outcome of the turn. */
async function applyCoordination(
  run: LlmRun,
  call: ToolCallPart,
  meant: Coordination,
): Promise<{ readonly result?: ToolResultPart; readonly routing?: Routing }> {
  if (meant.kind === 'ask') {
    try {
      return {
        result: toolResult(call, valueOutput(await run.entry.ctx.ask({ kind: 'question', text: meant.question }))),
      }
    } catch (error) {
      return { result: toolResult(call, errorOutput({ error: toolFailureMessage(run, error) })) }
    }
  }
  if (meant.kind !== 'routing') return {}
  if (meant.routing.kind === 'invoke') return { routing: meant.routing }
  const text =
    meant.routing.kind === 'handOff' ? `The work was handed on to ${meant.routing.agent}.` : 'The work is finished.'
  return { routing: meant.routing, result: toolResult(call, valueOutput(text)) }
}
