/**
 * Current values with their audience, for a storage with one process. The cache observes each change before a reader can see
 * it, and drops the entries that the change may affect. The audience is checked at every read.
 * Invariant: a cached value is what a read of the storage would return now.
 */
import { getHeapStatistics } from 'node:v8'
import { lruCache, type UserId } from '../../core/index.ts'
import type { Bind, Change, ChangeObserver, Row, SingleWriter } from '../../storage/index.ts'
import { type ContextReader, everyone, mayRead } from '../entries/audience.ts'
import { restoreValue } from '../entries/entry-row.ts'

/** An eighth of the heap limit of the process: 512 MB of the 4 GB that Node uses on most machines. */
const standard = getHeapStatistics().heap_size_limit / 8
/** When the cache is full, one of so many values is admitted: a value that is read often returns. */
const oneIn = 8
/** The size of a cached entry besides its texts, as measured on Node 24. */
const entryBytes = 220

interface CachedValue {
  readonly json: string
  readonly owner: string
  readonly grantees: readonly string[]
  readonly expiresAt: number | null
  readonly size: number
}
interface Topics {
  readonly names: ReadonlySet<string>
  readonly size: number
}

/** The cached values of one user. */
class UserCache {
  readonly values = new Map<string, CachedValue>()
  /** The topics by agent. */
  readonly topics = new Map<string, Topics>()
  size = 500
  /** The position of the last eviction. A search from the start would visit all evicted keys again. */
  #oldest = this.values.keys()

  oldest(): string | undefined {
    if (this.values.size === 0) return undefined
    let { value, done } = this.#oldest.next()
    if (done) {
      this.#oldest = this.values.keys()
      value = this.#oldest.next().value
    }
    return value
  }
}

const all = [everyone]

export class ValueCache implements ChangeObserver {
  readonly #singleWriter: SingleWriter
  readonly #bytes: number
  /** In the order of the last read of the storage: the user that was read most recently is last. */
  readonly #users = new Map<UserId, UserCache>()
  #size = 0
  /** By user, the number of changes that have begun and may be visible or not. */
  readonly #begun = new Map<UserId, number>()
  /** The number of changes since the start. */
  #changes = 0
  #passed = 0
  #closed = false
  readonly #invalidations = new Invalidations()
  readonly #noTopics: ReadonlySet<string> = new Set()

  /** @param bytes the approximate capacity */
  constructor(singleWriter: SingleWriter, bytes = standard) {
    this.#singleWriter = singleWriter
    this.#bytes = bytes
    singleWriter.observe(this)
  }

  /** The approximate size in bytes. */
  get size(): number {
    return this.#size
  }

  /** Returns the value as JSON; undefined if the storage must be read. */
  find(reader: ContextReader, key: string): string | undefined {
    const userCache = this.#users.get(reader.user)
    const cached = userCache?.values.get(key)
    if (cached === undefined || (cached.expiresAt !== null && cached.expiresAt <= this.#singleWriter.now()))
      return undefined
    if (mayRead(cached, reader, this.#noTopics)) return cached.json
    const topics = userCache?.topics.get(reader.agent)
    return topics && mayRead(cached, reader, topics.names) ? cached.json : undefined
  }

  /** Returns whether only the topics of the reader are missing to decide whether it may read a cached value. */
  lacksTopics({ user, agent }: ContextReader, key: string): boolean {
    const userCache = this.#users.get(user)
    return userCache?.values.has(key) === true && !userCache.topics.has(agent)
  }

  /** Called before a read, with whose result `add` is called. @returns undefined if the result may not be cached */
  changeCount(user: UserId): number | undefined {
    return this.#closed || this.#begun.has(user) ? undefined : this.#changes
  }

  /** Caches the result of one read. */
  add(
    changeCount: number | undefined,
    reader: ContextReader,
    key: string,
    row: Row | undefined,
    topics?: readonly Row[],
  ): void {
    if (changeCount !== this.#changes || this.#closed) return
    const cached = row && cachedValueOf(row, key)
    const fits = cached && (this.#size + cached.size <= this.#bytes || this.#passed++ % oneIn === 0)
    if (!fits && !topics) return
    const userCache = this.#last(reader.user)
    if (topics) this.#put(userCache, userCache.topics, reader.agent, topicsOf(topics))
    if (fits) this.#put(userCache, userCache.values, key, cached)
    while (this.#size > this.#bytes) this.#evictOldest()
  }

  begins(change: Change): void {
    const user = userOf(change)
    const invalidation = user === undefined ? 'nothing' : this.#invalidations.of(change)
    if (user === undefined || invalidation === 'nothing') return
    this.#changes++
    this.#begun.set(user, (this.#begun.get(user) ?? 0) + 1)
    const userCache = this.#users.get(user)
    if (userCache === undefined) return
    if (invalidation === 'all') this.#evictUser(user, userCache)
    else for (const { key } of change.feed ?? []) this.#evictKey(userCache, key)
  }

  ended(change: Change): void {
    const user = userOf(change)
    const begun = user === undefined ? undefined : this.#begun.get(user)
    if (user === undefined || begun === undefined || this.#invalidations.of(change) === 'nothing') return
    const left = begun - 1
    if (left === 0) this.#begun.delete(user)
    else this.#begun.set(user, left)
  }

  closed(): void {
    this.#closed = true
    this.#users.clear()
    this.#size = 0
  }

  users(): Iterable<UserId> {
    return this.#users.keys()
  }

  forget(user: UserId): void {
    const userCache = this.#users.get(user)
    if (userCache) this.#evictUser(user, userCache)
  }

  #last(user: UserId): UserCache {
    const known = this.#users.get(user)
    const userCache = known ?? new UserCache()
    if (known) this.#users.delete(user)
    else this.#size += userCache.size
    this.#users.set(user, userCache)
    return userCache
  }

  #put<Item extends { readonly size: number }>(
    userCache: UserCache,
    into: Map<string, Item>,
    name: string,
    item: Item,
  ): void {
    const growth = item.size - (into.get(name)?.size ?? 0)
    into.set(name, item)
    userCache.size += growth
    this.#size += growth
  }

  #evictKey(userCache: UserCache, key: string): void {
    const size = userCache.values.get(key)?.size ?? 0
    userCache.values.delete(key)
    userCache.size -= size
    this.#size -= size
  }

  #evictUser(user: UserId, userCache: UserCache): void {
    this.#users.delete(user)
    this.#size -= userCache.size
  }

  /** Drops values of the user that was read longest ago, oldest first, then its topics. */
  #evictOldest(): void {
    for (const [user, userCache] of this.#users) {
      const key = userCache.oldest()
      if (key === undefined) this.#evictUser(user, userCache)
      else this.#evictKey(userCache, key)
      return
    }
  }
}

/** Returns undefined for a value that is too large to be stored with its entry. */
function cachedValueOf(row: Row, key: string): CachedValue | undefined {
  const value = restoreValue(String(row.value))
  if (!('json' in value)) return undefined
  const [owner, audience] = [String(row.owner), String(row.audience)]
  return {
    json: value.json,
    owner,
    grantees: row.everyone === 1 ? all : (JSON.parse(audience) as string[]),
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
    size: entryBytes + bytesOf(value.json) + bytesOf(key) + bytesOf(owner) + 5 * bytesOf(audience),
  }
}

/**
 * Returns the size of a string in memory: one byte per character for Latin-1, otherwise two. The test is fast for strings that
 * V8 stores with one byte per character.
 */
const bytesOf = (text: string): number => (/[^\0-\xff]/.test(text) ? 2 * text.length : text.length)

function topicsOf(rows: readonly Row[]): Topics {
  const names = rows.map(({ grantee }) => String(grantee))
  return { names: new Set(names), size: names.reduce((sum, name) => sum + 2 * name.length + 50, 500) }
}

const userOf = ({ scope }: Change): UserId | undefined => ('user' in scope ? scope.user : undefined)

/** Finds the cached entries that a change may affect: `nothing`, the entries that its feed names, or `all` of its user. */
class Invalidations {
  readonly #kinds = lruCache<'none' | 'entries' | 'all'>(1_000)

  of({ statements, feed = [] }: Change): 'nothing' | 'named' | 'all' {
    let invalidation: 'nothing' | 'named' = 'nothing'
    let keys: ReadonlySet<Bind> | undefined
    for (const statement of statements) {
      const kind = this.#kind(statement.sql)
      if (kind === 'none') continue
      keys ??= new Set(feed.map(({ key }) => key))
      // A statement without a key of the change's feed may write any entry.
      if (kind === 'all' || !statement.binds.some((bind) => keys?.has(bind))) return 'all'
      invalidation = 'named'
    }
    return invalidation
  }

  /** A statement that names these tables and is not a plain select may write to them. */
  #kind(sql: string): 'none' | 'entries' | 'all' {
    const known = this.#kinds.get(sql)
    if (known) return known
    const kind = /^\s*select\b/i.test(sql)
      ? 'none'
      : /context_subscriptions/i.test(sql)
        ? 'all'
        : /context_entries/i.test(sql)
          ? 'entries'
          : 'none'
    this.#kinds.set(sql, kind)
    return kind
  }
}
