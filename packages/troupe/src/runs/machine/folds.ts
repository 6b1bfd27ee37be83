/** The folds of a slice for `evolve`: for each of its events, how the event changes the state. */
import type { EventOf, EventType } from './machine-events.ts'
import type { State } from './state.ts'

export type Folds = { readonly [T in EventType]: (state: State, event: EventOf<T>) => void }
