/** When a join is met, and when it no longer can be. */
import type { FailurePolicy, Join } from '../../../topology/index.ts'

export interface JoinProgress {
  readonly successes: number
  readonly failures: number
  /** How many may still arrive. */
  readonly open: number
  /** A person said to go down with it. */
  readonly fatal: boolean
}

export type JoinVerdict = 'open' | 'satisfied' | 'unsatisfied'

/** How many must succeed; ratio counts all that have arrived or may still arrive. */
export function needed(join: Join, progress: JoinProgress): number {
  const all = progress.successes + progress.failures + progress.open
  if (join === 'all') return all
  if (join === 'any' || join === 'first') return 1
  return 'quorum' in join ? join.quorum : Math.ceil(join.ratio * all)
}

export const canBeSatisfied = (join: Join, progress: JoinProgress): boolean =>
  join === 'any'
    ? progress.successes + progress.failures + progress.open > 0
    : progress.successes + progress.open >= needed(join, progress)

/**
 * Fail fast goes down as soon as the join cannot be met any more; the other policies wait for the rest and go on with
 * what there is.
 */
export function verdict(join: Join, policy: FailurePolicy, progress: JoinProgress): JoinVerdict {
  if (progress.fatal) return 'unsatisfied'
  const arrived = progress.successes + progress.failures
  if (join === 'any' ? arrived > 0 : join !== 'all' && progress.successes >= needed(join, progress)) return 'satisfied'
  if (progress.open === 0 && (join === 'all' ? progress.failures === 0 : false)) return 'satisfied'
  if (policy === 'failFast' && !canBeSatisfied(join, progress)) return 'unsatisfied'
  return progress.open === 0 ? 'satisfied' : 'open'
}
