/**
 * Values that an agent has read, for reads that accept an age. Kept per reader, so that nobody is given what another saw;
 * whether it may still be read is asked anew at every read.
 */
import { LRUCache } from 'lru-cache'
import { decodeJson, type Json, milliseconds, type UserId } from '../core/index.ts'
import type { Reader } from './audience.ts'
import { restoreValue } from './entry-row.ts'
import type { MeshCore } from './mesh-core.ts'
import { readerValues } from './statements/visibility.ts'

const bytes = 16 * 1024 * 1024

export class ReadCache {
  readonly #core: MeshCore
  readonly #held = new LRUCache<string, { readonly json: string; readonly at: number }>({
    maxSize: bytes,
    sizeCalculation: ({ json }, key) => 2 * (json.length + key.length) + 100,
  })

  constructor(core: MeshCore) {
    this.#core = core
  }

  forget(user: UserId): void {
    const begin = `${JSON.stringify([user]).slice(0, -1)},`
    for (const place of this.#held.keys()) if (place.startsWith(begin)) this.#held.delete(place)
  }

  async get(reader: Reader, key: string, maxAge: unknown): Promise<Json | undefined> {
    const age = milliseconds(maxAge, 'maxAge')
    const place = JSON.stringify([reader.user, reader.agent, key])
    const held = this.#held.get(place)
    const values = { ...readerValues(reader), key }
    if (held && this.#core.clock.monotonic() - held.at <= age) {
      const [rows = []] = await this.#core.read(reader.user, this.#core.reads.change(values))
      if (rows.length > 0) return decodeJson(held.json)
    } else {
      const at = this.#core.clock.monotonic()
      const [rows = []] = await this.#core.read(reader.user, this.#core.reads.value(values))
      if (rows[0]) {
        const json = await this.#core.loadJson(reader.user, restoreValue(String(rows[0].value)))
        this.#held.set(place, { json, at })
        return decodeJson(json)
      }
    }
    this.#held.delete(place)
    return undefined
  }
}
