/** Policies by name: of this one, else of all. Each name has counts of its own. */
import { type Clock, failure, type Random } from '../core/index.ts'
import { compilePolicy, type PolicyOptions, type PolicyPart } from './compile-policy.ts'
import type { Policy } from './policy.ts'

export type PoliciesByName = Readonly<Record<string, PolicyOptions>>

/** Names with counts of their own; beyond it the first one's begin anew. */
const maxCompiled = 1_000

export interface Policies {
  /** Undefined where none was said. */
  of(name: string): Policy | undefined
  /** Others in their place, whose counts begin anew; calls under way end under the old ones. @throws ValidationError */
  replace(byName: PoliciesByName): void
}

/** @throws ValidationError for a policy that is none, before it is asked for */
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
      throw failure('validation.failed', { what: `The policies of ${parts.kind}`, problem: 'they are not an object' })
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
