/** When a join is met, and when it no longer can be. */
import type { FailurePolicy, Join } from './canonical.ts'

export interface Standing {
  readonly successes: number
  readonly failures: number
  /** How many may still arrive. */
  readonly open: number
  /** A person said to go down with it. */
  readonly fatal: boolean
}

export type Verdict = 'open' | 'met' | 'unmet'

/** How many must succeed; ratio counts all that have arrived or may still arrive. */
export function needed(join: Join, standing: Standing): number {
  const all = standing.successes + standing.failures + standing.open
  if (join === 'all') return all
  if (join === 'any' || join === 'first') return 1
  return 'quorum' in join ? join.quorum : Math.ceil(join.ratio * all)
}

export const canBeMet = (join: Join, standing: Standing): boolean =>
  join === 'any'
    ? standing.successes + standing.failures + standing.open > 0
    : standing.successes + standing.open >= needed(join, standing)

/**
 * Fail fast goes down as soon as the join cannot be met any more; the other policies wait for the rest and go on with
 * what there is.
 */
export function verdict(join: Join, policy: FailurePolicy, standing: Standing): Verdict {
  if (standing.fatal) return 'unmet'
  const arrived = standing.successes + standing.failures
  if (join === 'any' ? arrived > 0 : join !== 'all' && standing.successes >= needed(join, standing)) return 'met'
  if (standing.open === 0 && (join === 'all' ? standing.failures === 0 : false)) return 'met'
  if (policy === 'failFast' && !canBeMet(join, standing)) return 'unmet'
  return standing.open === 0 ? 'met' : 'open'
}
