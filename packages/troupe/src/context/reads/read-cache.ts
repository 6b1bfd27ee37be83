/**
 * Values that an agent has read, for reads that accept an age. Each reader has a separate cache, the right to read is
 * checked at every read, and a write of the reader replaces what it had read before.
 */
import { LRUCache } from 'lru-cache'
import { decodeInTime, type Json, milliseconds, type UserId } from '../../core/index.ts'
import type { ContextReader } from '../entries/audience.ts'
import { restoreValue } from '../entries/entry-row.ts'
import type { MeshCore } from '../mesh-core.ts'
import { type ReaderValues, readerValues } from '../statements/visibility.ts'

const bytes = 16 * 1024 * 1024

export class ReadCache {
  readonly #core: MeshCore
  readonly #cached = new LRUCache<string, { readonly json: string; readonly at: number }>({
    maxSize: bytes,
    sizeCalculation: ({ json }, key) => 2 * (json.length + key.length) + 100,
  })

  /** Reads in progress by key: a later write removes the mark of a read, whose result is then not cached. */
  readonly #reading = new Map<string, symbol>()

  constructor(core: MeshCore) {
    this.#core = core
  }

  users(): readonly UserId[] {
    return [...this.#cached.keys(), ...this.#reading.keys()].map((cacheKey) => (JSON.parse(cacheKey) as [UserId])[0])
  }

  forget(user: UserId): void {
    const begin = `${JSON.stringify([user]).slice(0, -1)},`
    for (const entries of [this.#cached, this.#reading])
      for (const cacheKey of entries.keys()) if (cacheKey.startsWith(begin)) entries.delete(cacheKey)
  }

  /** Removes the cached value of a key that this agent has written or removed. */
  wrote(writer: ContextReader, key: string): void {
    const cacheKey = cacheKeyOf(writer, key)
    this.#cached.delete(cacheKey)
    this.#reading.delete(cacheKey)
  }

  async get(reader: ContextReader, key: string, maxAge: unknown): Promise<Json | undefined> {
    const age = milliseconds(maxAge, 'maxAge')
    const cacheKey = cacheKeyOf(reader, key)
    const cached = this.#cached.get(cacheKey)
    const values = { ...readerValues(reader), key }
    if (cached && this.#core.clock.monotonic() - cached.at <= age) {
      const [rows = []] = await this.#core.read(reader.user, this.#core.reads.change(values))
      if (rows.length > 0) return decodeInTime(cached.json, this.#core.clock)
    } else {
      const json = await this.#read(reader, values, cacheKey)
      if (json !== undefined) return decodeInTime(json, this.#core.clock)
    }
    this.#cached.delete(cacheKey)
    return undefined
  }

  async #read(reader: ContextReader, values: ReaderValues & { readonly key: string }, cacheKey: string) {
    const at = this.#core.clock.monotonic()
    const own = Symbol()
    this.#reading.set(cacheKey, own)
    try {
      const [[row] = []] = await this.#core.read(reader.user, this.#core.reads.value(values))
      const json = row && (await this.#core.loadJson(reader.user, restoreValue(String(row.value))))
      if (json !== undefined && this.#reading.get(cacheKey) === own) this.#cached.set(cacheKey, { json, at })
      return json
    } finally {
      if (this.#reading.get(cacheKey) === own) this.#reading.delete(cacheKey)
    }
  }
}

const cacheKeyOf = ({ user, agent }: ContextReader, key: string) => JSON.stringify([user, agent, key])
