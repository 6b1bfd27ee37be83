/**
 * Values as they stand, with their audience, where one process has the storage for itself. Whatever writes is heard of at
 * the storage before anybody can see it, and what it may touch is let go of; who may read is decided at every read.
 *
 * Invariant: what is held is what a read of the storage would find now.
 */
import { LRUCache } from 'lru-cache'
import type { UserId } from '../core/index.ts'
import type { Change, ChangeObserver, Row, Sole, Statement } from '../storage/index.ts'
import { everyone, mayRead, type Reader } from './audience.ts'
import { restoreValue } from './entry-row.ts'

const bytes = 64 * 1024 * 1024
/** Of those that do not fit any more one in so many is let in: what is read often comes again. */
const oneIn = 8

interface Held {
  readonly json: string
  readonly owner: string
  readonly grantees: readonly string[]
  readonly expiresAt: number | null
}

const all = [everyone]

export class ValueCache implements ChangeObserver {
  readonly #sole: Sole
  readonly #values = new LRUCache<string, Held>({
    maxSize: bytes,
    sizeCalculation: ({ json, owner, grantees }, place) =>
      grantees.reduce(
        (sum, grantee) => sum + 2 * grantee.length + 24,
        2 * (json.length + place.length + owner.length),
      ) + 150,
  })
  /** The topics of readers. */
  readonly #topics = new LRUCache<string, ReadonlySet<string>>({ max: 1_000 })
  /** A user that is let go of gets another number: nothing is found under the one before. */
  readonly #numbers = new LRUCache<UserId, number>({ max: 10_000 })
  #nextNumber = 0
  /** Of each user how many changes have begun and may be seen or not. */
  readonly #begun = new Map<UserId, number>()
  /** Changes that have begun, ever. */
  #changes = 0
  #passed = 0
  #closed = false
  readonly #touches = new Touches()
  readonly #noTopics: ReadonlySet<string> = new Set()

  constructor(sole: Sole) {
    this.#sole = sole
    sole.observe(this)
  }

  /** @returns the value's JSON; undefined where the storage must be asked */
  find(reader: Reader, key: string): string | undefined {
    const number = this.#numbers.get(reader.user)
    if (number === undefined) return undefined
    const held = this.#values.get(placeOf(number, key))
    if (held === undefined || (held.expiresAt !== null && held.expiresAt <= this.#sole.now())) return undefined
    if (mayRead(held, reader, this.#noTopics)) return held.json
    const topics = this.#topics.get(placeOf(number, reader.agent))
    return topics && mayRead(held, reader, topics) ? held.json : undefined
  }

  /** Whether only the reader's topics are missing to tell whether it may read what is held. */
  lacksTopics({ user, agent }: Reader, key: string): boolean {
    const number = this.#numbers.get(user)
    if (number === undefined || this.#topics.has(placeOf(number, agent))) return false
    return this.#values.has(placeOf(number, key))
  }

  /** Before a read: what `keep` needs of this moment. @returns undefined where nothing may be kept of it */
  moment(user: UserId): number | undefined {
    return this.#closed || this.#begun.has(user) ? undefined : this.#changes
  }

  /** What one read found at a moment. */
  keep(moment: number | undefined, reader: Reader, key: string, row: Row | undefined, topics?: readonly Row[]): void {
    if (moment !== this.#changes || this.#closed) return
    const number = this.#numberOf(reader.user)
    if (topics) this.#topics.set(placeOf(number, reader.agent), new Set(topics.map(({ grantee }) => String(grantee))))
    if (!row) return
    const value = restoreValue(String(row.value))
    if (!('json' in value) || !this.#letsIn(value.json)) return
    this.#values.set(placeOf(number, key), {
      json: value.json,
      owner: String(row.owner),
      grantees: row.everyone === 1 ? all : (JSON.parse(String(row.audience)) as string[]),
      expiresAt: row.expires_at === null ? null : Number(row.expires_at),
    })
  }

  begins(change: Change): void {
    const user = userOf(change)
    const touched = user === undefined ? 'nothing' : this.#touches.of(change)
    if (user === undefined || touched === 'nothing') return
    this.#changes++
    this.#begun.set(user, (this.#begun.get(user) ?? 0) + 1)
    const number = this.#numbers.get(user)
    if (number === undefined) return
    if (touched === 'all') this.#numbers.delete(user)
    else for (const { key } of change.feed ?? []) this.#values.delete(placeOf(number, key))
  }

  settled(change: Change): void {
    const user = userOf(change)
    if (user === undefined || this.#touches.of(change) === 'nothing') return
    const left = (this.#begun.get(user) ?? 1) - 1
    if (left === 0) this.#begun.delete(user)
    else this.#begun.set(user, left)
  }

  closed(): void {
    this.#closed = true
    this.clear()
  }

  /** Nothing of it stays in memory. */
  clear(): void {
    this.#numbers.clear()
    this.#values.clear()
    this.#topics.clear()
  }

  #numberOf(user: UserId): number {
    const known = this.#numbers.get(user)
    if (known !== undefined) return known
    const number = this.#nextNumber++
    this.#numbers.set(user, number)
    return number
  }

  #letsIn(json: string): boolean {
    return this.#values.calculatedSize + 2 * json.length + 512 < bytes || this.#passed++ % oneIn === 0
  }
}

const placeOf = (number: number, name: string) => `${number} ${name}`
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
