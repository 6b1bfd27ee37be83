/**
 * Values that an agent has read, for reads that accept an age. Kept per reader, so that nobody is given what another saw;
 * whether it may still be read is asked anew at every read, and what the reader itself writes here is never hidden by what
 * it had read before.
 */
import { LRUCache } from 'lru-cache'
import { decodeJson, type Json, milliseconds, type UserId } from '../core/index.ts'
import type { Reader } from './audience.ts'
import { restoreValue } from './entry-row.ts'
import type { MeshCore } from './mesh-core.ts'
import { type ReaderValues, readerValues } from './statements/visibility.ts'

const bytes = 16 * 1024 * 1024

export class ReadCache {
  readonly #core: MeshCore
  readonly #held = new LRUCache<string, { readonly json: string; readonly at: number }>({
    maxSize: bytes,
    sizeCalculation: ({ json }, key) => 2 * (json.length + key.length) + 100,
  })

  /** Reads that go on, by place: what was written meanwhile takes theirs away. */
  readonly #reading = new Map<string, symbol>()

  constructor(core: MeshCore) {
    this.#core = core
  }

  forget(user: UserId): void {
    const begin = `${JSON.stringify([user]).slice(0, -1)},`
    for (const places of [this.#held, this.#reading])
      for (const place of places.keys()) if (place.startsWith(begin)) places.delete(place)
  }

  /** This agent has written here, or removed. */
  wrote(writer: Reader, key: string): void {
    const place = placeOf(writer, key)
    this.#held.delete(place)
    this.#reading.delete(place)
  }

  async get(reader: Reader, key: string, maxAge: unknown): Promise<Json | undefined> {
    const age = milliseconds(maxAge, 'maxAge')
    const place = placeOf(reader, key)
    const held = this.#held.get(place)
    const values = { ...readerValues(reader), key }
    if (held && this.#core.clock.monotonic() - held.at <= age) {
      const [rows = []] = await this.#core.read(reader.user, this.#core.reads.change(values))
      if (rows.length > 0) return decodeJson(held.json)
    } else {
      const json = await this.#read(reader, values, place)
      if (json !== undefined) return decodeJson(json)
    }
    this.#held.delete(place)
    return undefined
  }

  async #read(reader: Reader, values: ReaderValues & { readonly key: string }, place: string) {
    const at = this.#core.clock.monotonic()
    const own = Symbol()
    this.#reading.set(place, own)
    try {
      const [[row] = []] = await this.#core.read(reader.user, this.#core.reads.value(values))
      const json = row && (await this.#core.loadJson(reader.user, restoreValue(String(row.value))))
      if (json !== undefined && this.#reading.get(place) === own) this.#held.set(place, { json, at })
      return json
    } finally {
      if (this.#reading.get(place) === own) this.#reading.delete(place)
    }
  }
}

const placeOf = ({ user, agent }: Reader, key: string) => JSON.stringify([user, agent, key])
