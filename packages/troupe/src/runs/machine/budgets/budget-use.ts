/** A run that has drawn more from a common budget than it has used. */
export type BudgetHolder = {
  /** The id of the run. */
  readonly run: string
  /** The amount that it holds. */
  readonly held: number
}

/** The use of a budget. */
export type BudgetUse = {
  /** The amount that was used. */
  readonly used: number
  /** The amount that other runs of the tree have drawn and not used yet; absent if it is 0. */
  readonly held?: number
  /** The ten runs that hold most. */
  readonly by?: readonly BudgetHolder[]
}

/** Returns the end of a sentence: "", or ", 12 held by RUN (8), RUN (4)". */
export function heldText({ held = 0, by = [] }: Pick<BudgetUse, 'held' | 'by'>): string {
  if (held === 0) return ''
  const named = by.reduce((sum, holder) => sum + holder.held, 0)
  const runs = by.map(({ run, held: each }) => `${run} (${each})`).join(', ')
  return `, ${held} held by ${runs}${named < held ? ' and other runs' : ''}`
}
