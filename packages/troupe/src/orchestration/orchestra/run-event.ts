/** A run's journal as it is stored and told. */
import type { Event, Input } from '../core/model.ts'

/** An event with its place in the run: 1, 2, 3 … */
export type RunEvent = Event & { readonly seq: number }

/** What one record of a run's journal holds. */
export interface RunRecord {
  readonly input: Input
  readonly events: readonly Event[]
  /** The number of the first event. */
  readonly first: number
}
