/** Decides about questions to people and requests to agents, and routes their answers. */
import { failure, type Json, type StoredError, storeError, type TaintLabel, taintField } from '../../../core/index.ts'
import type { Branch } from '../branches/branches-slice.ts'
import { failBranch, retryInPlace, routeError, routeSubstitute } from '../branches/fail-branch.ts'
import { graphIn } from '../branches/flow.ts'
import type { RunDecision } from '../decision.ts'
import { depthAllowed, trip } from '../limits/guards.ts'
import type { InputOf } from '../machine-events.ts'
import type { StepAnswer } from '../result.ts'
import { pauseRun } from '../run/start-and-cancel.ts'
import { must } from '../state.ts'
import { reply } from '../steps/step-results.ts'
import { answerRejection } from './check-answer.ts'
import type { AskedQuestion } from './questions-slice.ts'
import { routeAnswer } from './route-answer.ts'

export function askQuestion(d: RunDecision, input: InputOf<'question.asked'>): void {
  const step = d.state.steps.open.get(input.step)
  const id = `${input.step}?${input.wait}`
  if (!step || step.cancellation || step.questions[id]) return
  const { branch, agent } = step
  d.emit({
    type: 'question.asked',
    question: id,
    branch,
    agent: input.agent ?? agent,
    step: step.id,
    wait: input.wait,
    ask: input.question,
  })
  if (input.question.kind === 'breakpoint') pauseRun(d, 'breakpoint', { on: 'tool', step: step.id, agent })
}

/** Lets steps that a breakpoint holds before a call continue with it when the run resumes. */
export function passBreakpoints(d: RunDecision, by: string): void {
  if (d.state.run.pausedBy !== undefined) return
  for (const { id, ask } of d.state.questions.open.values())
    if (ask.kind === 'breakpoint') answerQuestion(d, { question: id, value: true, by })
}

/** Sends the answers that arrived while the run was paused to their steps. */
export function sendDeferredAnswers(d: RunDecision, deferredAnswers: readonly StepAnswer[]): void {
  if (d.state.run.pausedBy !== undefined) return
  for (const { step, wait, answer, taint } of deferredAnswers) reply(d, step, wait, answer, taint)
}

export function answerQuestion(
  d: RunDecision,
  { question: id, value, by, taint }: Omit<InputOf<'question.answered'>, 'at' | 'type'>,
): void {
  if (answerRejection(d.state, id, value)) return
  const question = d.state.questions.open.get(id) as AskedQuestion
  d.emit({ type: 'question.answered', ...d.asked(id), value, by, ...taintField(taint) })
  applyAnswer(d, question, { value }, taint)
}

/** Ends an expired question: with its default as the answer, or else with an error. */
export function expireQuestion(d: RunDecision, id: string, limit: StoredError): void {
  const question = must(d.state.questions.open.get(id), id)
  const { default: value } = question.ask
  if (value === undefined) d.emit({ type: 'question.expired', ...d.asked(id) })
  else d.emit({ type: 'question.answered', ...d.asked(id), value, by: 'timeout' })
  applyAnswer(d, question, value === undefined ? { error: limit } : { value })
}

function applyAnswer(
  d: RunDecision,
  question: AskedQuestion,
  answer: { readonly value: Json } | { readonly error: StoredError },
  taint?: readonly TaintLabel[],
) {
  const { step, wait, ask } = question
  // The run was paused for the step at the breakpoint, so its answer is delivered although the run is paused.
  if (step !== undefined) return reply(d, step, wait as string, answer, taint, ask.kind === 'breakpoint')
  const branch = d.branch(question.branch)
  if (question.failed) return resolveFailure(d, branch, question.failed, 'value' in answer ? answer.value : 'abort')
  if ('error' in answer) return routeError(d, branch, answer.error)
  routeAnswer(d, branch, answer.value)
}

function resolveFailure(d: RunDecision, branch: Branch, error: StoredError, choice: Json) {
  if (choice === 'retry') return retryInPlace(d, branch, branch.attempt + 1)
  if (choice === 'abort') return failBranch(d, branch, error, 'failFast', 'abort')
  const group = d.groupOf(branch)
  const alone = group.origin.kind === 'run' && group.live === 1 && group.openJoinCount === 0
  if (!alone) return failBranch(d, branch, error, 'collect', 'skip')
  routeSubstitute(d, branch, null)
}

/** Starts a step that serves a request of another step of the run. */
export function requestAgent(d: RunDecision, input: InputOf<'request.made'>) {
  const asker = d.state.steps.open.get(input.step)
  const id = `${input.step}>${input.wait}`
  if (!asker || asker.cancellation || d.state.steps.open.has(id)) return
  const nodes = [...graphIn(d.state).nodes.values()].filter((n) => n.kind === 'agent')
  const node = nodes.find((n) => n.name === input.to) ?? nodes.find((n) => n.label === input.to)
  if (!node) {
    const known = nodes.map((n) => n.label).join(', ')
    return reply(d, asker.id, input.wait, { error: storeError(failure('agent.unknown', { agent: input.to, known })) })
  }
  if (!depthAllowed(d, asker.depth + 1)) return
  d.emit({
    type: 'request.made',
    step: id,
    branch: asker.branch,
    node: node.name,
    agent: node.label,
    depth: asker.depth + 1,
    from: asker.id,
    fromAgent: asker.agent,
    wait: input.wait,
    message: input.message,
    payload: input.payload,
    ...(input.deadline === undefined ? {} : { timeoutMs: Math.max(0, input.deadline - d.at) }),
    ...taintField(input.taint),
  })
  const cycle = cycleFrom(d, asker.agent)
  if (!cycle) return
  const agents = cycle.join(' -> ')
  trip(
    d,
    { name: 'deadlock', limit: 0, used: cycle.length - 1, detail: agents },
    storeError(failure('run.deadlock', { agents })),
  )
}

/** Returns the agents of a cycle of open requests from this agent back to it; undefined if there is none. */
function cycleFrom(d: RunDecision, start: string): string[] | undefined {
  const { requestEdges: asks } = d.state.steps
  const seen = new Set<string>()
  const walk = (agent: string, path: readonly string[]): string[] | undefined => {
    for (const other of Object.keys(asks[agent] ?? {})) {
      if (((asks[agent] as { [other: string]: number })[other] as number) <= 0) continue
      if (other === start) return [...path, agent, start]
      if (seen.has(other)) continue
      seen.add(other)
      const found = walk(other, [...path, agent])
      if (found) return found
    }
    return undefined
  }
  return walk(start, [])
}
