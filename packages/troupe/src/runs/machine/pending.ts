/** The commands that the shell must execute, computed from the slices, with ids that are equal at each computation. */
import { taintField } from '../../core/index.ts'
import { nodeIn } from './branches/flow.ts'
import { isTimerRunning } from './clocks/run-time.ts'
import type { Command } from './machine-events.ts'
import type { StepAnswer } from './result.ts'
import { hasEnded, must, type State } from './state.ts'
import type { Step } from './steps/steps-slice.ts'

export type ExecuteCommand = Extract<Command, { readonly type: 'step.execute' }>

/** Yields all outstanding commands, each with the same id in each call; O(outstanding). */
export function* pending(state: Readonly<State>): Generator<Command> {
  if (hasEnded(state)) return
  for (const step of state.steps.open.values()) {
    for (const command of [executeCommand(state, step), cancelCommand(step)]) if (command) yield command
    for (const answer of state.steps.answers.get(step.id) ?? []) yield answerCommand(answer)
  }
  for (const name of state.clocks.timers.keys()) {
    const command = timerCommand(state, name)
    if (command) yield command
  }
  for (const command of [drawCommand(state), cancelChildrenCommand(state)]) if (command) yield command
}

export const cancelCommand = (step: Step | undefined): Command | undefined =>
  step?.cancellation && {
    id: `cancel ${step.id}`,
    type: 'step.cancel',
    step: step.id,
    reason: step.cancellation.error,
  }

export const answerCommand = ({ step, wait, answer, taint }: StepAnswer): Command => ({
  id: `answer ${step} ${wait}`,
  type: 'answer.deliver',
  step,
  wait,
  answer,
  ...taintField(taint),
})

/** A timer whose clock is stopped has no row. */
export function timerCommand(state: Readonly<State>, name: string): Command | undefined {
  const due = state.clocks.timers.get(name)?.due
  if (due === undefined || !isTimerRunning(state, name)) return undefined
  return { id: `timer ${name} ${due}`, type: 'timer.set', name, due }
}

export function drawCommand({ budgets: { draw } }: Readonly<State>): Command | undefined {
  if (!draw) return undefined
  const { seq, ...amounts } = draw
  return { id: `budget ${seq}`, type: 'budget.draw', ...amounts }
}

export const cancelChildrenCommand = ({ run: { childrenCancelledAt: seq } }: Readonly<State>): Command | undefined =>
  seq === undefined ? undefined : { id: `children ${seq}`, type: 'children.cancel' }

/** The execution of a step that was started and has not ended. */
export function executeCommand(state: Readonly<State>, step: Step | undefined): ExecuteCommand | undefined {
  if (!step?.flow) return undefined
  const node = nodeIn(state, step.node)
  const common = {
    id: `execute ${step.id}`,
    type: 'step.execute' as const,
    step: step.id,
    branch: step.branch,
    node: step.node,
    agent: step.agent,
    flow: step.flow,
    ...taintField(step.taint),
  }
  if (step.serve) {
    const { message, payload, fromAgent } = step.serve
    const serve = { type: message, from: fromAgent }
    return { ...common, input: payload, request: payload, thread: step.id, isFirstOfThread: true, serve }
  }
  const branch = must(state.branches.all.get(step.branch), step.branch)
  const stream = node.out.filter((e) => e.type === 'stream').map((e) => nodeIn(state, e.to).label)
  return {
    ...common,
    input: branch.input,
    ...(branch.results ? { results: branch.results } : {}),
    ...(branch.invoked === undefined ? {} : { invoked: branch.invoked }),
    request: branch.request,
    ...(branch.history ? { history: branch.history } : {}),
    thread: `${branch.id}@${step.node}`,
    isFirstOfThread: branch.steps === 1,
    ...(stream.length > 0 ? { streamTo: stream } : {}),
  }
}
