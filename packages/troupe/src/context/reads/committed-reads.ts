/** Reads outside a step, which return committed entries. */
import {
  type Duration,
  decodeInTime,
  encodeCursor,
  failure,
  isInStep,
  type Json,
  type Provenance,
} from '../../core/index.ts'
import type { Entry, ListOptions } from '../context-client.ts'
import { type EntryRow, restoreValue, taintIn, toEntry } from '../entries/entry-row.ts'
import type { Actor } from '../entries/fragments.ts'
import type { MeshServices } from '../mesh-services.ts'
import { now, readerValues } from '../statements/visibility.ts'
import type { CurrentValue, EntryReads, FoundPage, OnAsked } from './entry-reads.ts'
import { findEntries, findKeys, type ListQuery, readEntries } from './listing.ts'
import { noteLiveRead } from './note-live-read.ts'

export class CommittedReads implements EntryReads {
  readonly #mesh: MeshServices
  readonly #actor: Actor

  constructor(mesh: MeshServices, actor: Actor) {
    this.#mesh = mesh
    this.#actor = actor
  }

  value(key: string, maxAge: Duration | undefined, asked: OnAsked): Promise<Json | undefined> | Json | undefined {
    // A value that is read alone has no labels.
    if (isInStep()) return this.entry(key, asked).then((entry) => entry?.value)
    asked()
    if (maxAge !== undefined) return this.#mesh.cache.get(this.#actor, key, maxAge)
    const json = this.#mesh.value(this.#actor, key)
    const { clock } = this.#mesh
    if (typeof json === 'string') return decodeInTime(json, clock)
    return json.then((text) => (text === undefined ? undefined : decodeInTime(text, clock)))
  }

  async entry(key: string, asked: OnAsked): Promise<Entry | undefined> {
    asked()
    const row = await this.#mesh.entry(this.#actor, key)
    return row && this.#entry(row)
  }

  /** Returns without a promise for a short value in the row. */
  #entry(row: EntryRow): Entry | Promise<Entry> {
    const loaded = this.#mesh.core.loadValue(this.#actor.user, row.value)
    const entry = (value: Json) => this.#noted(toEntry(row, value))
    return loaded instanceof Promise ? loaded.then(entry) : entry(loaded)
  }

  #noted(entry: Entry): Entry {
    noteLiveRead(this.#mesh.core, entry.key, entry)
    return entry
  }

  async values(keys: readonly string[], asked: OnAsked): Promise<Map<string, Json>> {
    asked()
    const rows = await readEntries(this.#mesh.core, this.#actor, keys)
    const found = new Map<string, Json>()
    for (const key of keys) {
      const row = rows.get(key)
      if (!row) continue
      found.set(
        key,
        isInStep() ? (await this.#entry(row)).value : await this.#mesh.core.loadValue(this.#actor.user, row.value),
      )
    }
    return found
  }

  async list(_: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<Entry>> {
    asked()
    const { items, next } = await findEntries(this.#mesh.core, this.#actor, query)
    return { items: await Promise.all(items.map((row) => this.#entry(row))), cursor: cursorOf(next) }
  }

  async keys(_: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<string>> {
    asked()
    const { items, next } = await findKeys(this.#mesh.core, this.#actor, query)
    return { items, cursor: cursorOf(next) }
  }

  async current(key: string, isRetry: boolean, asked: OnAsked): Promise<CurrentValue> {
    if (isInStep()) await this.entry(key, () => {})
    if (!isRetry) asked()
    const { core } = this.#mesh
    const { user, agent } = this.#actor
    const statements = [core.reads.versioned({ ...readerValues(this.#actor), key })]
    // An entry that the agent may write but not read would cause a conflict at each attempt.
    if (isRetry) statements.push(core.reads.anyEntry({ user, key, now }))
    const [[row] = [], [existing] = []] = await core.read(user, ...statements)
    if (existing && !row) throw failure('context.unread', { agent, key })
    const value = row && (await core.loadValue(user, restoreValue(String(row.value))))
    const { taintDeclared = false } = row ? (JSON.parse(String(row.provenance)) as Provenance) : {}
    return { value, version: Number(row?.version ?? 0), taint: taintIn(row), taintDeclared }
  }
}

const cursorOf = (next: string | undefined) => (next === undefined ? undefined : encodeCursor(next))
