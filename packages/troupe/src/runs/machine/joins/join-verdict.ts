/** Decides whether the condition of a join is met, or cannot be met any more. */
import type { FailurePolicy, Join } from '../../../topology/index.ts'

export interface JoinProgress {
  readonly successes: number
  readonly failures: number
  /** The number of failed branches without which a person decided to continue. */
  readonly skipped: number
  /** The number of branches that can still arrive. */
  readonly open: number
  /** A person decided that the join fails with the branch. */
  readonly fatal: boolean
}

export type JoinVerdict = 'open' | 'satisfied' | 'unsatisfied'

/**
 * Returns how many branches must succeed. A ratio counts all branches that have arrived or can still arrive. A skipped
 * branch is not required.
 */
export function quorumOf(join: Join, progress: JoinProgress): number {
  const all = progress.successes + progress.failures + progress.open
  if (join === 'all') return all
  const required = typeof join === 'string' ? 1 : 'quorum' in join ? join.quorum : Math.ceil(join.ratio * all)
  return Math.max(Math.min(required, all), required - progress.skipped)
}

export const canBeSatisfied = (join: Join, progress: JoinProgress): boolean =>
  progress.successes + (join === 'any' ? progress.failures : 0) + progress.open >= quorumOf(join, progress)

/**
 * With fail-fast the join fails as soon as its condition cannot be met. With the other policies it waits for the rest and
 * continues with the available results.
 */
export function verdict(join: Join, policy: FailurePolicy, progress: JoinProgress): JoinVerdict {
  if (progress.fatal) return 'unsatisfied'
  const arrived = progress.successes + (join === 'any' ? progress.failures : 0)
  if (join !== 'all' && arrived >= quorumOf(join, progress)) return 'satisfied'
  if (progress.open === 0 && (join === 'all' ? progress.failures === 0 : false)) return 'satisfied'
  if (policy === 'failFast' && !canBeSatisfied(join, progress)) return 'unsatisfied'
  return progress.open === 0 ? 'satisfied' : 'open'
}
