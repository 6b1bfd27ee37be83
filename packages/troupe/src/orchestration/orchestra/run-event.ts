/** A run's journal as it is stored and told. */
import type { UserId } from '../../core/index.ts'
import type { Event, Input } from '../core/model.ts'

/** An event with its place in the run: 1, 2, 3 … */
export type NumberedEvent = Event & { readonly seq: number }

/** As who follows a run is told it. */
export type RunEvent = NumberedEvent & {
  readonly run: string
  readonly user: UserId
  /** Of W3C Trace Context: the id of the run's trace, which what its steps write and send carries too. */
  readonly trace: string
}

/** What one record of a run's journal holds. */
export interface RunRecord {
  readonly input: Input
  readonly events: readonly Event[]
  /** The number of the first event. */
  readonly first: number
}
