/** The cache of secrets in front of their sources. */
import { type Clock, failure, isPlainObject, type Redactor, TroupeError } from '../../core/index.ts'
import { isSecretReference, type SecretText, secretRef } from './secret-reference.ts'
import type { SecretSource, SecretValue } from './secret-source.ts'

export interface SecretsParts {
  readonly sources: readonly SecretSource[]
  readonly clock: Clock
  readonly redactor: Redactor
}

interface CachedSecret {
  readonly value: string
  readonly refreshMs: number
  readonly expiresMs: number
}

/** After a failed refresh, before the next. */
const pauseMs = 1_000
const longest = 64 * 1024

/** Longer lists are not lists of keys: they are returned unchanged, and the check of the configuration rejects them. */
const maxListed = 10_000

/**
 * The secrets of a troupe: requested from its sources in order, cached until they expire, and redacted from all output.
 * A secret is requested again when half of its time has passed; while that fails, the cached one is used until it
 * expires.
 */
export class Secrets {
  readonly #parts: SecretsParts
  readonly #cached = new Map<string, CachedSecret>()
  readonly #asking = new Map<string, Promise<string>>()

  constructor(parts: SecretsParts) {
    this.#parts = parts
  }

  /**
   * Returns a secret by name.
   * @throws NotFoundError `secret.missing`; ExternalServiceError `secret.failed`, never with a value
   * @example const token = await troupe.secrets.get('BILLING_TOKEN')
   */
  async get(name: string): Promise<string> {
    secretRef(name)
    const cached = this.#cached.get(name)
    const now = this.#parts.clock.now()
    if (cached && now < cached.refreshMs) return cached.value
    const asked = this.#asked(name)
    if (!cached || now >= cached.expiresMs) return asked
    return asked.catch(() => {
      this.#cached.set(name, { ...cached, refreshMs: now + pauseMs })
      return cached.value
    })
  }

  /** Returns the text itself, or the secret that it names. */
  async reveal(text: SecretText): Promise<string> {
    return typeof text === 'string' ? text : await this.get(text.secret)
  }

  /** Returns the value with each reference in it replaced by its secret: in lists and plain objects, at any depth. */
  async revealAll(value: unknown): Promise<unknown> {
    const found = namesIn(value)
    if (found.size === 0) return value
    const texts = await Promise.all([...found].map(async (name) => [name, await this.get(name)] as const))
    return replaced(value, new Map(texts), new Map())
  }

  /** Concurrent requests of one secret get the same answer. */
  #asked(name: string): Promise<string> {
    const asking = this.#asking.get(name) ?? this.#ask(name).finally(() => this.#asking.delete(name))
    this.#asking.set(name, asking)
    return asking
  }
  async #ask(name: string): Promise<string> {
    const { sources, clock, redactor } = this.#parts
    for (const source of sources) {
      const found = await this.#of(source, name)
      if (!found) continue
      redactor.addSecret(found.value)
      const now = clock.now()
      const expiresMs = expiryOf(name, found)
      if (expiresMs <= now) throw failure('secret.failed', { name, problem: 'the value from its source has expired' })
      this.#cached.set(name, { value: found.value, expiresMs, refreshMs: now + (expiresMs - now) / 2 })
      return found.value
    }
    throw failure('secret.missing', { name })
  }
  async #of(source: SecretSource, name: string): Promise<SecretValue | undefined> {
    let found: SecretValue | undefined
    try {
      found = await source.get(name)
    } catch (error) {
      if (error instanceof TroupeError && error.code.startsWith('secret.')) throw error
      // An error of a source may quote the secret, so only its kind is reported.
      throw failure('secret.failed', {
        name,
        problem: `its source failed (${error instanceof Error ? error.name : typeof error})`,
      })
    }
    if (found === undefined) return undefined
    const { value } = found
    if (typeof value !== 'string' || value === '' || value.length > longest)
      throw failure('secret.failed', { name, problem: `its source must return a text of 1 to ${longest} characters` })
    return found
  }
}

function expiryOf(name: string, { expiresAt }: SecretValue): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY
  const ms = typeof expiresAt === 'number' ? expiresAt : new Date(expiresAt).getTime()
  if (!Number.isNaN(ms)) return ms
  throw failure('secret.failed', { name, problem: 'its source returned an expiry that is not a time' })
}

const isSearched = (value: unknown): value is object =>
  Array.isArray(value) ? value.length <= maxListed : isPlainObject(value)

/** Returns the names of all secrets that a value refers to. It may have cycles, and any depth. */
function namesIn(value: unknown): ReadonlySet<string> {
  const found = new Set<string>()
  const seen = new Set([value])
  for (const one of seen) {
    if (isSecretReference(one)) found.add(one.secret)
    else if (isSearched(one)) for (const inner of Object.values(one)) seen.add(inner)
  }
  return found
}

function replaced(value: unknown, texts: ReadonlyMap<string, string>, copies: Map<object, unknown>): unknown {
  if (isSecretReference(value)) return texts.get(value.secret)
  if (!isSearched(value)) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  copies.set(value, copy)
  for (const [name, one] of Object.entries(copy)) copy[name] = replaced(one, texts, copies)
  return copy
}
