/** How a barrier stands, and what its results look like. */
import { failure, type Json, type StoredError, storeError } from '../../core/index.ts'
import type { FailurePolicy, Join } from './canonical.ts'
import type { Deciding } from './deciding.ts'
import type { GraphNode } from './graph.ts'
import type { Standing } from './join.ts'
import { type Barrier, byOrder, must, type Scope } from './state.ts'

export const joinOf = (d: Deciding, node: GraphNode): Join => node.join ?? d.config.join
export const policyOf = (d: Deciding, node: GraphNode): FailurePolicy => node.onFailure ?? d.config.onFailure

/** How many branches of its scope may still come to a meeting; its own place in the counts is not one of them. */
export function missing(d: Deciding, scope: Scope, node: string, holds: boolean): number {
  const own = holds && d.node(node).reach.includes(node) ? 1 : 0
  return (scope.able[node] as number) - own
}

export function standing(d: Deciding, barrier: Barrier): Standing {
  const { successes, failures, fatal } = barrier
  const scope = must(d.state.scopes.get(barrier.scope), barrier.scope)
  const open = barrier.kind === 'fork' ? barrier.pending : missing(d, scope, barrier.node, barrier.state === 'open')
  return { successes, failures, open, fatal }
}

/** Losers are told so; whoever missed a deadline, that. */
export const loser = (): StoredError => storeError(failure('cancelled', { what: 'A branch that is no longer needed' }))

/** The failure itself where all were needed; else that too few are left, and why. */
export function cause(barrier: Barrier, now: Standing): StoredError {
  if (barrier.failure && (barrier.join === 'all' || barrier.fatal)) return barrier.failure
  const because = barrier.failure ? `; the first failure: ${barrier.failure.message}` : ''
  const found = `${now.successes} succeeded, ${now.failures} failed, ${now.open} are open${because}`
  return storeError(failure('join.unmet', { node: barrier.node, join: barrier.join as Json, found }))
}

export function responseOf(scope: Scope): Json | undefined {
  if (scope.ends.length < 2) return scope.ends[0]?.value
  return [...scope.ends].sort(byOrder).map((end) => end.value)
}
