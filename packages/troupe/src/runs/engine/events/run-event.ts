/** The events of a run as its readers receive them. */
import type { UserId } from '../../../core/index.ts'
import type { AgentPath } from '../../machine/labels/agent-path.ts'
import type { Event } from '../../machine/machine-events.ts'
import type { EndedStart } from '../../machine/run/start-of-ended.ts'

/** An event with its number in the run: 1, 2, 3 … */
export type NumberedEvent = Event & {
  /** The number of the event in its run: 1, 2, 3 … */
  readonly seq: number
}

/** An event with the agents of its chain of invocations, the first agent first; empty for events of the whole run. */
export type EventWithPath = NumberedEvent & {
  /** The names of the agents; the acting agent is the last one. */
  readonly path: AgentPath
}

/** An event as the observers of the troupe receive it. */
export type AnnouncedEvent = EventWithPath & {
  /** When what the event ends started; absent for other events, and for those that a fork shares with its source. */
  readonly beginning?: EndedStart
}

/** An event as `run.events()` yields it. */
export type RunEvent = EventWithPath & {
  /** The id of the run. */
  readonly run: string
  /** The id of the user. */
  readonly user: UserId
  /** The trace id of the run (W3C Trace Context). Entries and messages that its steps write carry the same id. */
  readonly trace: string
}

/** The options of `run.events`. */
export interface EventOptions {
  /** Yields the events after this `seq`; 0 by default, for all events. */
  readonly from?: number
  /** True ends also when the run waits, after its `run.waiting`, at which `result()` resolves. False by default. */
  readonly untilWaiting?: boolean
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal
}
