/**
 * Values as they stand, with their audience, where one process has the storage for itself. Whatever writes is heard of at
 * the storage before anybody can see it, and what it may touch is let go of; who may read is decided at every read.
 *
 * Invariant: what is held is what a read of the storage would find now.
 */
import { getHeapStatistics } from 'node:v8'
import { LRUCache } from 'lru-cache'
import type { UserId } from '../core/index.ts'
import type { Change, ChangeObserver, Row, Sole, Statement } from '../storage/index.ts'
import { everyone, mayRead, type Reader } from './audience.ts'
import { restoreValue } from './entry-row.ts'

/** Of the memory that this process may take for its objects, an eighth: 512 MB of the 4 GB that Node takes on most machines. */
const standard = getHeapStatistics().heap_size_limit / 8
/** Of those that do not fit any more one in so many is let in: what is read often comes again. */
const oneIn = 8
/** What an entry takes besides its texts, as measured on Node 24. */
const entryBytes = 220

interface Held {
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

/** What is held of one user. */
class Kept {
  readonly values = new Map<string, Held>()
  /** By agent. */
  readonly topics = new Map<string, Topics>()
  size = 500
  /** Goes on where it stopped: looking from the start would pass all that was let go of before. */
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
  readonly #sole: Sole
  readonly #bytes: number
  /** Who was read of last stands last. */
  readonly #users = new Map<UserId, Kept>()
  #size = 0
  /** Of each user how many changes have begun and may be seen or not. */
  readonly #begun = new Map<UserId, number>()
  /** Changes that have begun, ever. */
  #changes = 0
  #passed = 0
  #closed = false
  readonly #touches = new Touches()
  readonly #noTopics: ReadonlySet<string> = new Set()

  /** @param bytes what it may hold, about */
  constructor(sole: Sole, bytes = standard) {
    this.#sole = sole
    this.#bytes = bytes
    sole.observe(this)
  }

  /** About so many bytes are held. */
  get size(): number {
    return this.#size
  }

  /** @returns the value's JSON; undefined where the storage must be asked */
  find(reader: Reader, key: string): string | undefined {
    const kept = this.#users.get(reader.user)
    const held = kept?.values.get(key)
    if (held === undefined || (held.expiresAt !== null && held.expiresAt <= this.#sole.now())) return undefined
    if (mayRead(held, reader, this.#noTopics)) return held.json
    const topics = kept?.topics.get(reader.agent)
    return topics && mayRead(held, reader, topics.names) ? held.json : undefined
  }

  /** Whether only the reader's topics are missing to tell whether it may read what is held. */
  lacksTopics({ user, agent }: Reader, key: string): boolean {
    const kept = this.#users.get(user)
    return kept?.values.has(key) === true && !kept.topics.has(agent)
  }

  /** Before a read: what `keep` needs of this moment. @returns undefined where nothing may be kept of it */
  moment(user: UserId): number | undefined {
    return this.#closed || this.#begun.has(user) ? undefined : this.#changes
  }

  /** What one read found at a moment. */
  keep(moment: number | undefined, reader: Reader, key: string, row: Row | undefined, topics?: readonly Row[]): void {
    if (moment !== this.#changes || this.#closed) return
    const held = row && heldOf(row, key)
    const fits = held && (this.#size + held.size <= this.#bytes || this.#passed++ % oneIn === 0)
    if (!fits && !topics) return
    const kept = this.#last(reader.user)
    if (topics) this.#put(kept, kept.topics, reader.agent, topicsOf(topics))
    if (fits) this.#put(kept, kept.values, key, held)
    while (this.#size > this.#bytes) this.#letGoOfOldest()
  }

  begins(change: Change): void {
    const user = userOf(change)
    const touched = user === undefined ? 'nothing' : this.#touches.of(change)
    if (user === undefined || touched === 'nothing') return
    this.#changes++
    this.#begun.set(user, (this.#begun.get(user) ?? 0) + 1)
    const kept = this.#users.get(user)
    if (kept === undefined) return
    if (touched === 'all') this.#letGo(user, kept)
    else for (const { key } of change.feed ?? []) this.#letGoOf(kept, key)
  }

  settled(change: Change): void {
    const user = userOf(change)
    const begun = user === undefined ? undefined : this.#begun.get(user)
    if (user === undefined || begun === undefined || this.#touches.of(change) === 'nothing') return
    const left = begun - 1
    if (left === 0) this.#begun.delete(user)
    else this.#begun.set(user, left)
  }

  closed(): void {
    this.#closed = true
    this.#users.clear()
    this.#size = 0
  }

  forget(user: UserId): void {
    const kept = this.#users.get(user)
    if (kept) this.#letGo(user, kept)
  }

  #last(user: UserId): Kept {
    const known = this.#users.get(user)
    const kept = known ?? new Kept()
    if (known) this.#users.delete(user)
    else this.#size += kept.size
    this.#users.set(user, kept)
    return kept
  }

  #put<Item extends { readonly size: number }>(kept: Kept, into: Map<string, Item>, name: string, item: Item): void {
    const grown = item.size - (into.get(name)?.size ?? 0)
    into.set(name, item)
    kept.size += grown
    this.#size += grown
  }

  #letGoOf(kept: Kept, key: string): void {
    const size = kept.values.get(key)?.size ?? 0
    kept.values.delete(key)
    kept.size -= size
    this.#size -= size
  }

  #letGo(user: UserId, kept: Kept): void {
    this.#users.delete(user)
    this.#size -= kept.size
  }

  /** Of the user that was read of longest ago, what was read first; at last its topics, and all of it. */
  #letGoOfOldest(): void {
    for (const [user, kept] of this.#users) {
      const key = kept.oldest()
      if (key === undefined) this.#letGo(user, kept)
      else this.#letGoOf(kept, key)
      return
    }
  }
}

/** Undefined for what is too large to stand with its entry. */
function heldOf(row: Row, key: string): Held | undefined {
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

/** Of Latin letters a string takes one byte each, of others two; told at once where V8 knows the string to be of the first. */
const bytesOf = (text: string): number => (/[^\0-\xff]/.test(text) ? 2 * text.length : text.length)

function topicsOf(rows: readonly Row[]): Topics {
  const names = rows.map(({ grantee }) => String(grantee))
  return { names: new Set(names), size: names.reduce((sum, name) => sum + 2 * name.length + 50, 500) }
}

const userOf = ({ scope }: Change): UserId | undefined => ('user' in scope ? scope.user : undefined)

/** What a change may touch: `nothing` held here, the entries that its feed names, or `all` of its user. */
class Touches {
  readonly #kinds = new LRUCache<string, 'none' | 'entries' | 'all'>({ max: 1_000 })

  of({ statements, feed = [] }: Change): 'nothing' | 'named' | 'all' {
    let touched: 'nothing' | 'named' = 'nothing'
    for (const statement of statements) {
      const kind = this.#kind(statement.sql)
      if (kind === 'none') continue
      if (kind === 'all' || !names(statement, feed)) return 'all'
      touched = 'named'
    }
    return touched
  }

  /** Whatever is no plain select and speaks of these tables may write to them. */
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

/** A statement that is given none of the keys of its change's feed may write to any entry. */
const names = ({ binds }: Statement, feed: NonNullable<Change['feed']>): boolean =>
  feed.some(({ key }) => binds.includes(key))
