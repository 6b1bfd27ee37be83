/** Tables of the statuses that may follow each other, which folds assert: no record of a run changes in another way. */
import { failure } from '../../core/index.ts'

/** The allowed next statuses of each status. */
export type StatusTransitions<S extends string> = { readonly [from in S]: readonly S[] }

/**
 * Returns the new status.
 * @param what the name of the record for errors
 * @throws Error `invariant.broken` if the table does not have this transition
 */
export function transitionTo<S extends string>(table: StatusTransitions<S>, what: string, from: S, to: S): S {
  if (table[from].includes(to)) return to
  throw failure('invariant.broken', { rule: `${what} is ${from} and cannot become ${to}` })
}
