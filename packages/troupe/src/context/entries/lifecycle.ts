/** The lifecycles of a mesh by name, the predefined ones among them, and the lifetime that a push names. */
import {
  checkName,
  checkOptions,
  type Duration,
  invalidInput,
  isObject,
  milliseconds,
  objectOf,
  show,
} from '../../core/index.ts'
import { compilePattern } from './pattern.ts'

/** A named lifetime of entries. */
export interface Lifecycle {
  /**
   * The time to live, which restarts at each push, above zero and at most 100 years. Without it, entries do not expire.
   */
  readonly ttl?: Duration
  /** A pattern of keys: a new entry whose key matches gets this lifecycle if its push names no lifetime. */
  readonly pattern?: string
}

/** A lifetime as stored. */
export interface Lifetime {
  readonly lifecycle: string | null
  readonly ttlMs: number | null
}

export interface Lifecycles {
  /** Returns the lifetime that a push names, undefined if it names none. @throws ValidationError */
  named(options: { readonly ttl?: unknown; readonly lifecycle?: unknown }): Lifetime | undefined
  /** Returns the lifetime of a new entry whose push names none. */
  initial(key: string): Lifetime
}

const predefined: Readonly<Record<string, Lifecycle>> = {
  session: { ttl: '1h' },
  cache: { ttl: '30m' },
  temporary: { ttl: '5m' },
  daily: { ttl: '1d' },
  permanent: {},
}
const permanent: Lifetime = { lifecycle: 'permanent', ttlMs: null }

/** Returns whole milliseconds above zero, the unit of the storage. @throws ValidationError */
function lifetimeMs(ttl: unknown, what = 'ttl'): number {
  const ms = Math.ceil(milliseconds(ttl, what))
  // The time of expiry must be a valid date.
  if (ms <= 0 || ms > 100 * 365 * 86_400_000)
    throw invalidInput(what, `${show(ttl)} is not above zero and at most 100 years`)
  return ms
}

/** @param own lifecycles by name; they may replace the predefined ones */
export function createLifecycles(own: Readonly<Record<string, Lifecycle>> = {}): Lifecycles {
  // A list would define lifecycles with the names 0, 1 and so on.
  if (!isObject(own)) throw invalidInput('context.lifecycles', 'it must be an object of lifecycles by name')
  const known = new Map<string, Lifetime>()
  const bound: { readonly matches: (key: string) => boolean; readonly lifetime: Lifetime }[] = []
  for (const [name, lifecycle] of Object.entries({ ...predefined, ...objectOf('context.lifecycles', own) })) {
    checkName('lifecycle', name)
    checkOptions(`the lifecycle ${name}`, lifecycle, ['ttl', 'pattern'])
    const lifetime = {
      lifecycle: name,
      ttlMs: lifecycle.ttl === undefined ? null : lifetimeMs(lifecycle.ttl, `The ttl of the lifecycle ${name}`),
    }
    known.set(name, lifetime)
    if (lifecycle.pattern !== undefined) bound.push({ matches: compilePattern(lifecycle.pattern).matches, lifetime })
  }
  return {
    named({ ttl, lifecycle }) {
      if (ttl !== undefined && lifecycle !== undefined)
        throw invalidInput('ttl', 'it excludes lifecycle: name one of them')
      if (ttl !== undefined) return { lifecycle: null, ttlMs: lifetimeMs(ttl) }
      if (lifecycle === undefined) return undefined
      const found = typeof lifecycle === 'string' ? known.get(lifecycle) : undefined
      if (!found) throw invalidInput('lifecycle', `it must be one of ${[...known.keys()].join(', ')}`)
      return found
    },
    initial: (key) => bound.find(({ matches }) => matches(key))?.lifetime ?? permanent,
  }
}
