/**
 * The codec of a troupe with encryption: one data key per user that seals, older ones that still open, each wrapped by the
 * key ring in a row of the user.
 *
 * Invariants: a change is committed only while the key it was sealed under is the user's current one (its guard reads the
 * row). A process seals only as often as it was granted in the row, before it seals: so no key passes `mostUses`, whatever
 * crashes. What is kept in memory is bounded in number and in time.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, failure, type UserId } from '../../core/index.ts'
import type { Codec, OpenedStorage, Place, Placed, Sealed } from '../../storage/index.ts'
import { DataKey, isSealed, keyIdOf, mostUses, newKey, newKeyId } from './cipher.ts'
import { dataKeyStatements, type KeyRow, toKeyRow } from './data-key-statements.ts'
import type { KeyRing } from './key-ring-port.ts'
import { readStanding, type Standing } from './standing.ts'

export interface DataKeysOptions {
  /** As it is: keys are wrapped, not sealed. */
  readonly storage: OpenedStorage
  readonly ring: KeyRing
  readonly clock: Clock
  readonly standing: Standing
  /** Users whose keys are kept in memory; 10,000 by default. */
  readonly users?: number
  /** For so long; 15 min by default. */
  readonly keepMs?: number
  /** Uses that a process is granted at once; 65,536 by default. */
  readonly grant?: number
  /** What one key seals at most; 2^32 by default. */
  readonly most?: number
}

/** What is known of one user's keys. */
interface Held {
  readonly keys: ReadonlyMap<string, DataKey>
  readonly current: KeyRow | undefined
  readonly at: number
  /** What this process may still seal. */
  granted: number
}

const tries = 5

export class DataKeys implements Codec {
  readonly #options: DataKeysOptions
  readonly #statements: ReturnType<typeof dataKeyStatements>
  readonly #grant: number
  readonly #most: number
  readonly #keepMs: number
  readonly #held: LRUCache<UserId, Held>
  readonly #loading = new Map<UserId, Promise<Held>>()
  #standing: Standing

  constructor(options: DataKeysOptions) {
    this.#options = options
    this.#statements = dataKeyStatements(options.storage.dialect)
    this.#standing = options.standing
    this.#grant = options.grant ?? 65_536
    this.#most = options.most ?? mostUses
    this.#keepMs = options.keepMs ?? 900_000
    this.#held = new LRUCache({ max: options.users ?? 10_000 })
  }

  get standing(): Standing {
    return this.#standing
  }
  set standing(standing: Standing) {
    this.#standing = standing
  }

  seal(user: UserId, values: readonly Placed[]): Sealed | Promise<Sealed> {
    const held = this.#known(user)
    if (held?.current || !this.#seals) return this.#sealed(user, held, values)
    return this.#forWriting(user).then((found) => this.#sealed(user, found, values))
  }

  open(user: UserId, values: readonly Placed[]): readonly string[] | Promise<readonly string[]> {
    const texts = this.#opened(user, values, this.#known(user))
    return texts ?? this.#openedAnew(user, values)
  }

  outdated(user: UserId): void {
    this.#held.delete(user)
  }

  /** Gives the user another key to seal with, once per sweep. @returns its id */
  async renew(user: UserId, sweep: string): Promise<string> {
    for (let attempt = 0; attempt < tries; attempt++) {
      const { current } = await this.#forWriting(user)
      if (current?.sweep === sweep) return current.id
      await this.#create(user, current?.id, sweep)
    }
    throw failure('encryption.changing', { user })
  }

  /** The id of the key that seals for the user now. */
  async currentOf(user: UserId): Promise<string> {
    return ((await this.#forWriting(user)).current as KeyRow).id
  }

  /** Wraps the user's keys anew where another key of the ring did. @returns how many */
  async rewrap(user: UserId): Promise<number> {
    const { ring } = this.#options
    const old = (await this.#rows(user)).filter((row) => row.ringKey !== ring.current)
    for (const row of old) {
      const key = await ring.unwrap({ user, id: row.id }, { by: row.ringKey, text: row.wrapped })
      const wrapped = await ring.wrap({ user, id: row.id }, key)
      await this.#commit(user, [this.#statements.rewrap({ user, id: row.id, old: row.wrapped, ...wrapped })])
    }
    return old.length
  }

  /** Nothing is sealed under them any more. @param keep the id of the one that stays; null: none does */
  async drop(user: UserId, keep: string | null): Promise<void> {
    await this.#commit(user, [this.#statements.drop({ user, keep: keep ?? '' })])
    this.outdated(user)
  }

  /** From now on no change is sealed for the user, by whatever process. */
  async retire(user: UserId): Promise<void> {
    await this.#commit(user, [this.#statements.retireAll({ user })])
    this.outdated(user)
  }

  get #seals(): boolean {
    return this.#standing.state === 'sealed' || this.#standing.state === 'sealing'
  }

  #known(user: UserId): Held | undefined {
    const held = this.#held.get(user)
    if (held && this.#options.clock.monotonic() - held.at > this.#keepMs) {
      this.#held.delete(user)
      return undefined
    }
    return held
  }

  #sealed(user: UserId, held: Held | undefined, values: readonly Placed[]): Sealed {
    const current = held?.current
    const key = current && held.keys.get(current.id)
    if (!this.#seals || !held || !current || !key)
      return { texts: values.map(({ text }) => text), guards: [], committed: () => {} }
    const texts = values.map(({ place, text }) => key.seal(placeText(user, place), text))
    const { check, take } = this.#statements
    const expected = { expect: { rows: 1 }, otherwise: 'encryption.changing', detail: { user } } as const
    const at = { user, id: current.id }
    if (held.granted >= texts.length) {
      held.granted -= texts.length
      return { texts, guards: [check(at, expected)], committed: () => {} }
    }
    const more = this.#grant + texts.length
    return {
      texts,
      guards: [take({ ...at, more, most: this.#most - more }, expected)],
      committed: () => {
        held.granted += this.#grant
      },
    }
  }

  /** @returns undefined where a key or what is known of the database may be old */
  #opened(user: UserId, values: readonly Placed[], held: Held | undefined): readonly string[] | undefined {
    const texts: string[] = []
    for (const { place, text } of values) {
      if (!isSealed(text)) {
        if (this.#standing.state === 'sealed') return undefined
        texts.push(text)
        continue
      }
      const key = held?.keys.get(keyIdOf(text))
      if (!key) return undefined
      const plain = key.open(placeText(user, place), text)
      if (plain === undefined) throw damaged(place, 'it was changed, or moved from another place')
      texts.push(plain)
    }
    return texts
  }

  async #openedAnew(user: UserId, values: readonly Placed[]): Promise<readonly string[]> {
    this.outdated(user)
    const held = await this.#load(user)
    const texts = this.#opened(user, values, held)
    if (texts) return texts
    const wrong = values.find(({ text }) => !isSealed(text) || !held.keys.has(keyIdOf(text))) as Placed
    if (!isSealed(wrong.text)) throw damaged(wrong.place, 'it is not sealed, and everything in this database is')
    const { forgetting } = this.#statements
    const [going] = await this.#options.storage.read({ user }, [forgetting({ user }, { returns: true })])
    if (going?.length) throw failure('user.forgotten', { user })
    throw damaged(wrong.place, `its data key ${keyIdOf(wrong.text)} is not there`)
  }

  async #forWriting(user: UserId): Promise<Held> {
    for (let attempt = 0; attempt < tries; attempt++) {
      const held = this.#known(user) ?? (await this.#load(user))
      const { current } = held
      if (!this.#seals || (current && current.uses + 2 * this.#grant <= this.#most)) return held
      await this.#create(user, current?.id)
    }
    throw failure('encryption.changing', { user })
  }

  /** Where another process is faster, its key is found at the next load. */
  async #create(user: UserId, replacing: string | undefined, sweep = ''): Promise<void> {
    const { ring, storage } = this.#options
    const id = newKeyId()
    const wrapped = await ring.wrap({ user, id }, newKey())
    const { forgetting, retire, insert } = this.#statements
    const result = await storage.commit({
      id: null,
      scope: { user },
      statements: [
        forgetting({ user }, { expect: { rows: 0 }, otherwise: 'user.forgotten', detail: { user } }),
        ...(replacing === undefined ? [] : [retire({ user, id: replacing }, { expect: { rows: 1 } })]),
        insert({ user, id, ...wrapped, sweep }, { expect: { rows: 1 } }),
      ],
    })
    this.outdated(user)
    if (!result.ok && result.code === 'user.forgotten') throw failure('user.forgotten', { user })
  }

  /** Once at a time per user. */
  #load(user: UserId): Promise<Held> {
    const known = this.#loading.get(user)
    if (known) return known
    const loading = this.#read(user).finally(() => this.#loading.delete(user))
    this.#loading.set(user, loading)
    return loading
  }

  async #read(user: UserId): Promise<Held> {
    const { ring, storage, clock } = this.#options
    const rows = await this.#rows(user)
    const standing = await readStanding(storage)
    if (standing) this.#standing = standing
    const keys = new Map<string, DataKey>()
    for (const { id, ringKey, wrapped } of rows)
      keys.set(id, new DataKey(id, await ring.unwrap({ user, id }, { by: ringKey, text: wrapped })))
    const held: Held = { keys, current: rows.find((row) => row.current), at: clock.monotonic(), granted: 0 }
    this.#held.set(user, held)
    return held
  }

  async #rows(user: UserId): Promise<readonly KeyRow[]> {
    const [rows = []] = await this.#options.storage.read({ user }, [this.#statements.all({ user }, { returns: true })])
    return rows.map(toKeyRow)
  }

  async #commit(user: UserId, statements: Parameters<OpenedStorage['commit']>[0]['statements']): Promise<void> {
    const result = await this.#options.storage.commit({ id: null, scope: { user }, statements })
    if (!result.ok) throw failure(result.code, { ...result.detail })
  }
}

const placeText = (user: UserId, { kind, of }: Place): string => JSON.stringify([user, kind, ...of])

const damaged = ({ kind, of }: Place, problem: string) =>
  failure('encryption.damaged', { kind, place: of.join(', '), problem })
