/** A run's journal as it is told. */
import type { UserId } from '../../../core/index.ts'
import type { AgentPath } from '../../machine/labels/agent-path.ts'
import type { Event } from '../../machine/machine-events.ts'

/** An event with its place in the run: 1, 2, 3 … */
export type NumberedEvent = Event & { readonly seq: number }

/** With the agents through whose invocations it came to be, from who began to who acts; empty for the run as a whole. */
export type EventWithPath = NumberedEvent & { readonly path: AgentPath }

/** As who follows a run is told it. */
export type RunEvent = EventWithPath & {
  readonly run: string
  readonly user: UserId
  /** Of W3C Trace Context: the id of the run's trace, which what its steps write and send carries too. */
  readonly trace: string
}
