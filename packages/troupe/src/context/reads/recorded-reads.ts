/** Reads of a step: answers of its record, merged with its staged writes, so that a replay reads the same. */
import { canonicalJson, type Duration, encodeCursor, type Json, milliseconds } from '../../core/index.ts'
import type { CallName, WriteTarget } from '../../journal/index.ts'
import type { Entry, ListOptions } from '../context-client.ts'
import { type EntryRow, toEntry } from '../entries/entry-row.ts'
import type { Actor } from '../entries/fragments.ts'
import type { MeshCore } from '../mesh-core.ts'
import type { MeshServices } from '../mesh-services.ts'
import type { ContextStage } from '../writes/context-stage.ts'
import { mergePage, type Overlay, type StagedEntry } from '../writes/overlay.ts'
import type { CurrentValue, EntryReads, FoundPage, OnAsked } from './entry-reads.ts'
import { findEntries, findKeys, type ListQuery, readEntries } from './listing.ts'
import { writeVersion } from './write-version.ts'

export class RecordedReads implements EntryReads {
  readonly #mesh: MeshServices
  readonly #actor: Actor
  readonly #target: Pick<WriteTarget, 'answer'>
  readonly #stage: ContextStage

  constructor(mesh: MeshServices, actor: Actor, target: Pick<WriteTarget, 'answer'>, stage: ContextStage) {
    this.#mesh = mesh
    this.#actor = actor
    this.#target = target
    this.#stage = stage
  }

  /** Checks the age but does not use it, since a replay answers from the record at any age. */
  async value(key: string, maxAge: Duration | undefined, asked: OnAsked): Promise<Json | undefined> {
    if (maxAge !== undefined) milliseconds(maxAge, 'maxAge')
    return (await this.#one('get', key, asked))?.value
  }

  entry(key: string, asked: OnAsked): Promise<Entry | undefined> {
    return this.#one('getEntry', key, asked)
  }

  async #one(kind: 'get' | 'getEntry', key: string, asked: OnAsked): Promise<Entry | undefined> {
    const found = await this.#target.answer(
      () => ({ kind, name: key }),
      async () => {
        asked()
        return (await this.#find([key], false, this.#stage.overlay))[0] ?? null
      },
    )
    return found === null ? undefined : this.#restore(found)
  }

  /** Returns a recorded entry, and adds its labels to the step. */
  async #restore(recorded: RecordedEntry): Promise<Entry> {
    const entry = await restoreEntry(this.#mesh.core, this.#actor.user, recorded)
    this.#stage.noteEntry(entry)
    return entry
  }

  /** Returns the visible entries of these keys, in their order. */
  async #find(keys: readonly string[], byReference: boolean, on: Overlay): Promise<readonly RecordedEntry[]> {
    const { core } = this.#mesh
    const committed = keys.filter((key) => !on.get(key))
    const rows = await readEntries(core, this.#actor, committed)
    const found: RecordedEntry[] = []
    for (const key of keys) {
      const staged = on.get(key)
      const row = rows.get(key)
      if (staged && 'entry' in staged && staged.visible) found.push(recordStaged(staged.entry))
      else if (!staged && row) found.push(await recordEntry(core, this.#actor.user, row, byReference))
    }
    return found
  }

  async values(keys: readonly string[], asked: OnAsked): Promise<Map<string, Json>> {
    const found = await this.found(keys, this.#stage.overlay, asked)
    const entries = await Promise.all(found.map((entry) => this.#restore(entry)))
    return new Map(entries.map(({ key, value }) => [key, value]))
  }

  /** Reads for an atomic batch, which sees its earlier operations. @returns a function that reads the value after the staging */
  async valueOn(key: string, overlay: Overlay, asked: OnAsked): Promise<() => Promise<Json | undefined>> {
    const [found] = await this.found([key], overlay, asked)
    return async () => found && (await this.#restore(found)).value
  }

  async found(keys: readonly string[], overlay: Overlay, asked: OnAsked): Promise<readonly RecordedEntry[]> {
    return this.#target.answer<readonly RecordedEntry[]>(
      () => ({ kind: 'getMany', name: canonicalJson(keys) }),
      async () => {
        asked()
        return [...(await this.#find(keys, true, overlay))]
      },
    )
  }

  async list(options: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<Entry>> {
    const { core } = this.#mesh
    const { items, cursor } = await this.#page('list', options, async () => {
      asked()
      const found = await findEntries(core, this.#actor, query)
      const rows = await Promise.all(
        found.items.map(async (row) => ({ key: row.key, item: await recordEntry(core, this.#actor.user, row, true) })),
      )
      return mergePage(this.#staged, query, { rows, next: found.next }, recordStaged)
    })
    const recorded = items as unknown as readonly RecordedEntry[]
    return { items: await Promise.all(recorded.map((entry) => this.#restore(entry))), cursor }
  }

  async keys(options: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<string>> {
    const { items, cursor } = await this.#page('keys', options, async () => {
      asked()
      const found = await findKeys(this.#mesh.core, this.#actor, query)
      const rows = found.items.map((key) => ({ key, item: key }))
      return mergePage<Json>(this.#staged, query, { rows, next: found.next }, ({ key }) => key)
    })
    return { items: items as readonly string[], cursor }
  }

  get #staged() {
    return { core: this.#mesh.core, user: this.#actor.user, overlay: this.#stage.overlay }
  }

  async #page(
    kind: 'list' | 'keys',
    { signal: _, ...options }: ListOptions,
    ask: () => Promise<{ readonly items: readonly Json[]; readonly next: string | undefined }>,
  ): Promise<FoundPage<Json>> {
    const call = (): CallName => {
      const defined = Object.entries(options).filter(([, value]) => value !== undefined)
      return { kind, name: canonicalJson(Object.fromEntries(defined) as Json) }
    }
    const answer = await this.#target.answer(call, async () => {
      const { items, next } = await ask()
      return { items, cursor: next === undefined ? null : encodeCursor(next) }
    })
    return { items: answer.items, cursor: answer.cursor ?? undefined }
  }

  async current(key: string, _isRetry: boolean, asked: OnAsked): Promise<CurrentValue> {
    const entry = await this.entry(key, asked)
    // The step already has the labels of the entry.
    const taintDeclared = entry?.provenance.taintDeclared ?? false
    return { value: entry?.value, version: entry?.version ?? 0, taint: [], taintDeclared }
  }
}

/** The row as JSON, with its value or the id of the write that created it. */
type RecordedEntry = { readonly [key: string]: Json } & {
  readonly row: { readonly [key: string]: Json }
  readonly json: string | null
}

const inline = 4_096

/** @param byReference false to record a value of any size */
async function recordEntry(core: MeshCore, user: string, row: EntryRow, byReference: boolean): Promise<RecordedEntry> {
  const { value, ...rest } = row
  const json = byReference && row.stored > inline ? null : await core.loadJson(user, value)
  return { row: rest as unknown as { readonly [key: string]: Json }, json }
}

function recordStaged(entry: StagedEntry): RecordedEntry {
  const { json, ...row } = entry
  return { row: { ...row, revision: null } as unknown as { readonly [key: string]: Json }, json }
}

/** @throws ConflictError `context.pruned` if the version that was read is no longer in the history */
async function restoreEntry(core: MeshCore, user: string, recorded: RecordedEntry): Promise<Entry> {
  const row = recorded.row as unknown as EntryRow
  const stored = recorded.json === null ? (await writeVersion(core, user, row)).value : { json: recorded.json }
  const { revision, ...entry } = toEntry(row, await core.loadValue(user, stored))
  return recorded.row.revision === null || revision === undefined ? entry : { ...entry, revision }
}
