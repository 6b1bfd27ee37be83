/**
 * Returns the commands of an event: those that stay outstanding until they are executed, and those that are executed
 * once.
 */
import type { ChildMessage } from './command.ts'
import type { Command, Event } from './machine-events.ts'
import { answerCommand, cancelChildrenCommand, cancelCommand, drawCommand, executeCommand } from './pending.ts'
import type { State } from './state.ts'

/** An outstanding command and its key, by which one transition opens or closes it. */
export interface OutstandingCommand {
  readonly key: string
  /** Returns the command for the current state; undefined if it is not outstanding. */
  readonly in: (state: Readonly<State>) => Command | undefined
}

/** The command that an event may open or close. */
export function outstandingOf(event: Event): OutstandingCommand | undefined {
  switch (event.type) {
    case 'step.started': {
      const { step } = event
      return { key: `execute ${step}`, in: (state) => executeCommand(state, state.steps.open.get(step)) }
    }
    case 'step.cancel-requested': {
      const { step } = event
      return { key: `cancel ${step}`, in: (state) => cancelCommand(state.steps.open.get(step)) }
    }
    case 'run.cancel-requested':
      return { key: 'children', in: cancelChildrenCommand }
    case 'budget.requested':
      return { key: 'budget', in: drawCommand }
    case 'answer.delivered': {
      const { step, wait } = event
      return {
        key: `answer ${step} ${wait}`,
        in: ({ steps }) =>
          steps.answers
            .get(step)
            ?.flatMap((each) => (each.wait === wait ? [answerCommand(each)] : []))
            .at(-1),
      }
    }
    default:
      return undefined
  }
}

const notifyChildren = (message: ChildMessage, seq: number): Command => ({
  id: `${message.type} ${seq}`,
  type: 'children.notify',
  message,
})

/** Returns the commands that an event causes once, in the change that records it. They are not outstanding afterwards. */
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
