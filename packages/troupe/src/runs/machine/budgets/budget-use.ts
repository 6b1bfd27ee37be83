/** What an exceeded budget says of itself: what is used of it, what of the rest other runs hold, and which. */

export type BudgetHolder = {
  readonly run: string
  readonly held: number
}

export type BudgetUse = {
  readonly used: number
  /** Drawn by other runs of the tree and not used yet. Absent: nothing is. */
  readonly held?: number
  /** Those that hold most, the first ten. */
  readonly by?: readonly BudgetHolder[]
}

/** As the end of a sentence: "", or ", 12 held by RUN (8), RUN (4)". */
export function heldText({ held = 0, by = [] }: Pick<BudgetUse, 'held' | 'by'>): string {
  if (held === 0) return ''
  const named = by.reduce((sum, holder) => sum + holder.held, 0)
  const runs = by.map(({ run, held: each }) => `${run} (${each})`).join(', ')
  return `, ${held} held by ${runs}${named < held ? ' and other runs' : ''}`
}
