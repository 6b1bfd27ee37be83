/** Policies by name; the name `*` applies to all other names. Each name has its own counters. */
import { type Clock, invalidInput, type Random } from '../core/index.ts'
import { compilePolicy, type PolicyOptions, type PolicyPart } from './compile-policy.ts'
import type { Policy } from './policy.ts'

/**
 * Policies by the name of what they guard. `*` is the policy of every name that has none; each name has its own
 * counters.
 */
export type PoliciesByName = Readonly<Record<string, PolicyOptions>>

/** The maximum number of names with compiled policies; beyond it the oldest policy is dropped with its counters. */
const maxCompiled = 1_000

export interface Policies {
  /** Returns the policy of a name; undefined if there is none. */
  of(name: string): Policy | undefined
  /**
   * Replaces all policies and resets the counters; calls in progress end under the old policies. @throws
   * ValidationError
   */
  replace(byName: PoliciesByName): void
}

/** Compiles policies by name. @throws ValidationError for an invalid policy, before its first use */
export function createPolicies(
  options: PoliciesByName,
  parts: {
    readonly kind: string
    readonly clock: Clock
    readonly random: Random
    readonly allowed?: readonly PolicyPart[]
  },
): Policies {
  const compiled = new Map<string, Policy>()
  const compile = (name: string, options: PolicyOptions) =>
    compilePolicy(options, { ...parts, what: `${parts.kind} ${name}` })
  const checked = (policies: PoliciesByName) => {
    if (typeof policies !== 'object' || policies === null || Array.isArray(policies))
      throw invalidInput(`The policies of ${parts.kind}`, 'they must be an object')
    for (const [name, options] of Object.entries(policies)) compile(name, options)
    return policies
  }
  let byName = checked(options)
  return {
    replace(wanted) {
      byName = checked(wanted)
      compiled.clear()
    },
    of(name) {
      const options = Object.hasOwn(byName, name) ? byName[name] : byName['*']
      if (!options) return undefined
      const known = compiled.get(name)
      if (known) return known
      const made = compile(name, options)
      if (compiled.size >= maxCompiled) compiled.delete(compiled.keys().next().value as string)
      compiled.set(name, made)
      return made
    },
  }
}
