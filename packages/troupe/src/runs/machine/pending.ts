/** What a shell that takes a run over has to carry out. */
import type { Command } from './machine-events.ts'
import type { State } from './state.ts'

/** Everything outstanding, with the ids it has always had; O(outstanding). */
export const pending = (state: Readonly<State>): Iterable<Command> => state.open.values()
