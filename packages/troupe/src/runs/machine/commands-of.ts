/** What the shell has to carry out: derived from the state, with ids that are the same whenever they are asked for. */
import { taintField } from '../../core/index.ts'
import { taintOfStep } from './branches/evolve-taint.ts'
import { flowOf, nodeIn, servingFlow } from './branches/flow.ts'
import type { ChildMessage } from './command.ts'
import type { Command, Event } from './machine-events.ts'
import { must, type State, type Step } from './state.ts'

/** The key of the command that cancels all child runs. */
export const childrenKey = 'children'

const timerPrefix = 'timer '

/** The name of the timer whose command has a key. */
export const timerNameOf = (key: string): string | undefined =>
  key.startsWith(timerPrefix) ? key.slice(timerPrefix.length) : undefined

/** The key of the command that an event may open, or of the timer that it clears. */
export function commandKeyOf(event: Event): string | undefined {
  switch (event.type) {
    case 'step.started':
      return `execute ${event.step}`
    case 'step.cancel-requested':
      return `cancel ${event.step}`
    case 'run.cancel-requested':
      return childrenKey
    case 'budget.requested':
      return 'budget'
    case 'timer.set':
    case 'timer.cleared':
      return `${timerPrefix}${event.name}`
    case 'answer.delivered':
      return `answer ${event.step} ${event.wait}`
    default:
      return undefined
  }
}

const notifyChildren = (message: ChildMessage, seq: number): Command => ({
  id: `${message.type} ${seq}`,
  type: 'children.notify',
  message,
})

/** What an event asks of the shell once, in the change that records it: nothing that is outstanding afterwards. */
export function immediateCommandsOf(event: Event, seq: number): readonly Command[] {
  switch (event.type) {
    case 'run.claimed':
    case 'clock.jumped':
      return [{ id: `shift ${seq}`, type: 'timers.shift', gap: event.gap }]
    case 'run.paused': {
      const { breakpoint } = event
      const above = breakpoint ? [{ id: `break ${seq}`, type: 'parent.notify', breakpoint } as const] : []
      return [notifyChildren({ type: 'pause' }, seq), ...above]
    }
    case 'run.resumed': {
      const { steps } = event
      const resume = notifyChildren({ type: 'resume', ...(steps === undefined ? {} : { steps }) }, seq)
      return [resume, { id: `parked ${seq}`, type: 'parked.resume' }]
    }
    case 'run.breakpoints-set':
      return [notifyChildren({ type: 'break', breakOn: event.breakOn }, seq)]
    case 'run.failed':
    case 'run.cancelled':
      return [notifyChildren({ type: 'cancel' }, seq)]
    case 'run.waiting':
      return [{ id: `waiting ${seq}`, type: 'parent.report' }]
    default:
      return nothing
  }
}
const nothing: readonly Command[] = []

export function executeCommand(state: Readonly<State>, step: Step): Command {
  const node = nodeIn(state, step.node)
  const common = {
    id: `execute ${step.id}`,
    type: 'step.execute' as const,
    step: step.id,
    branch: step.branch,
    node: step.node,
    agent: step.agent,
    ...taintField(taintOfStep(state, step)),
  }
  if (step.serve) {
    const { message, payload, fromAgent } = step.serve
    const serve = { type: message, from: fromAgent }
    return { ...common, input: payload, request: payload, flow: servingFlow, thread: step.id, serve }
  }
  const branch = must(state.branches.get(step.branch), step.branch)
  const stream = node.out.filter((e) => e.type === 'stream').map((e) => nodeIn(state, e.to).label)
  return {
    ...common,
    input: branch.input,
    ...(branch.results ? { results: branch.results } : {}),
    request: branch.request,
    ...(branch.history ? { history: branch.history } : {}),
    flow: flowOf(state, branch),
    thread: `${branch.id}@${step.node}`,
    ...(stream.length > 0 ? { streamTo: stream } : {}),
  }
}
