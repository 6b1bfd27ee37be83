/** Reads joins and failure policies and checks them. */
import { invalidInput, isPlainObject, objectOf } from '../../core/index.ts'
import type { FailurePolicy, Join } from './canonical-topology.ts'

/** @throws ValidationError for an invalid join, or for bounds out of range */
export function readJoin(what: string, join: unknown): Join {
  if (join === 'all' || join === 'any' || join === 'first') return join
  const fields = isPlainObject(join) ? objectOf(what, join) : {}
  const keys = Object.keys(fields)
  const { quorum, ratio } = fields
  if (keys.length === 1 && quorum !== undefined) {
    if (!Number.isSafeInteger(quorum) || (quorum as number) < 1)
      throw invalidInput(what, 'a quorum must be a whole number of at least 1')
    return { quorum: quorum as number }
  }
  if (keys.length === 1 && ratio !== undefined) {
    if (typeof ratio !== 'number' || !(ratio > 0 && ratio <= 1))
      throw invalidInput(what, 'a ratio must lie above 0 and be at most 1')
    return { ratio }
  }
  throw invalidInput(what, "it must be 'all', 'any', 'first', { quorum } or { ratio }")
}

const policies: readonly unknown[] = ['failFast', 'collect', 'continue', 'ask']

export function readFailurePolicy(what: string, policy: unknown): FailurePolicy {
  if (!policies.includes(policy)) throw invalidInput(what, `it must be one of ${policies.join(', ')}`)
  return policy as FailurePolicy
}
