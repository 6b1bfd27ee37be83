/**
 * The reads of the watchers of a mesh: a page of the feed, the versions that it names, and the subscriptions of an
 * agent. Watchers that wake for one change share these reads while they are in progress, so that a change costs one
 * read and not one per watcher. A read is not reused after it has ended, since the right to read is checked for each
 * page.
 */
import type { UserId } from '../../../core/index.ts'
import type { FeedPage, FeedRow } from '../../../storage/index.ts'
import type { ContextReader } from '../../entries/audience.ts'
import type { EntryRow, HistoryRow } from '../../entries/entry-row.ts'
import type { MeshCore } from '../../mesh-core.ts'
import { type CurrentRow, readWrites } from '../write-version.ts'

const pageSize = 256
/** The size in bytes of the largest values that are read with their page; a larger one is read when its item is due. */
export const maxPageValue = 65_536

/** The versions that a page of the feed names. */
export interface ChangedVersions {
  made(change: string): EntryRow | undefined
  ended(change: string): HistoryRow | undefined
  current(key: string): CurrentRow | undefined
}

interface PageReads {
  versions: Promise<ChangedVersions> | undefined
  readonly entitled: Map<string, Promise<ReadonlySet<string>>>
}

export class WatchReads {
  readonly #core: MeshCore
  readonly #pages = new Map<string, Promise<FeedPage>>()
  readonly #ofPages = new WeakMap<FeedPage, PageReads>()

  constructor(core: MeshCore) {
    this.#core = core
  }

  /** Returns the page after a revision. */
  page(user: UserId, after: number): Promise<FeedPage> {
    const name = `${after} ${user}`
    const reading = this.#pages.get(name)
    if (reading) return reading
    const page = this.#core.storage.feed(user, after, pageSize)
    this.#pages.set(name, page)
    const forget = () => void this.#pages.delete(name)
    page.then(forget, forget)
    return page
  }

  versions(user: UserId, page: FeedPage): Promise<ChangedVersions> {
    const reads = this.#readsOf(page)
    reads.versions ??= versionsOf(this.#core, user, page.items)
    return reads.versions
  }

  /** Returns the subscriptions of the reader after the page was read. Watchers that wake for the page share the read. */
  entitled(reader: ContextReader, page: FeedPage): Promise<ReadonlySet<string>> {
    const { entitled } = this.#readsOf(page)
    const name = reader.all ? '' : reader.agent
    const reading = entitled.get(name)
    if (reading) return reading
    const topics = this.entitledNow(reader)
    entitled.set(name, topics)
    return topics
  }

  /** The topics that the reader is subscribed to now, for a watch that has waited since the page was read. */
  async entitledNow(reader: ContextReader): Promise<ReadonlySet<string>> {
    return new Set(reader.all ? [] : await this.#core.subscriptions(reader))
  }

  #readsOf(page: FeedPage): PageReads {
    const known = this.#ofPages.get(page)
    if (known) return known
    const reads: PageReads = { versions: undefined, entitled: new Map() }
    this.#ofPages.set(page, reads)
    return reads
  }
}

async function versionsOf(core: MeshCore, user: string, items: readonly FeedRow[]): Promise<ChangedVersions> {
  const made = new Map<string, EntryRow>()
  const ended = new Map<string, HistoryRow>()
  const current = new Map<string, CurrentRow>()
  const writes = items.filter(({ kind }) => kind !== 'subscription')
  if (writes.length > 0) {
    const { entries, history } = await readWrites(core, user, writes, maxPageValue)
    for (const row of history) {
      made.set(row.change, row)
      ended.set(row.endedChange, row)
    }
    for (const row of entries) {
      made.set(row.change, row)
      current.set(row.key, row)
    }
  }
  return {
    made: (change) => made.get(change),
    ended: (change) => ended.get(change),
    current: (key) => current.get(key),
  }
}
