/** The use of a budget: how much is used, how much other runs hold, and which runs. */

export type BudgetHolder = {
  readonly run: string
  readonly held: number
}

export type BudgetUse = {
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
