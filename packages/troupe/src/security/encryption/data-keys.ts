/**
 * The codec of a troupe with encryption: one data key per user encrypts, older ones still decrypt, and each is wrapped
 * by the key ring in a row of the user.
 * Invariants: a change is committed only while the key that encrypted it is the user's current one (its guard reads the
 * row). A process encrypts only as often as its row granted before, so that no key exceeds `maxKeyUses`, also after
 * crashes. The cache is bounded in number and time.
 */
import { type Clock, failure, type LruCache, lruCache, type UserId } from '../../core/index.ts'
import type { Codec, EncryptedValues, LocatedValue, OpenedStorage, ValueLocation } from '../../storage/index.ts'
import { DataKeyRows } from './data-key-rows.ts'
import { dataKeyStatements, type KeyRow } from './data-key-statements.ts'
import { type DataKey, isEncrypted, keyIdOf, maxKeyUses } from './encrypt.ts'
import { type EncryptionState, readEncryptionState } from './encryption-state.ts'
import type { KeyRing } from './key-ring-port.ts'

export interface DataKeysOptions {
  /** The storage without encryption: data keys are wrapped, not encrypted. */
  readonly storage: OpenedStorage
  readonly keyRing: KeyRing
  readonly clock: Clock
  readonly encryptionState: EncryptionState
  /** The maximal number of users whose keys are cached; 10,000 by default. */
  readonly users?: number
  /** How long keys are cached, in ms; 15 min by default. */
  readonly cacheMs?: number
  /** Uses that a process is granted at once; 65,536 by default. */
  readonly grant?: number
  /** The maximal number of encryptions with one key; 2^32 by default. */
  readonly maxUses?: number
}

/** The cached keys of one user. */
interface UserKeys {
  readonly keys: ReadonlyMap<string, DataKey>
  readonly current: KeyRow | undefined
  readonly at: number
  /** The number of encryptions that this process may still do. */
  granted: number
}

const maxAttempts = 5

export class DataKeys implements Codec {
  readonly #options: DataKeysOptions
  readonly #statements: ReturnType<typeof dataKeyStatements>
  readonly #rows: DataKeyRows
  readonly #limits: { readonly grant: number; readonly maxUses: number; readonly cacheMs: number }
  readonly #userKeys: LruCache<UserId, UserKeys>
  readonly #loading = new Map<UserId, Promise<UserKeys>>()
  #encryptionState: EncryptionState

  constructor(options: DataKeysOptions) {
    this.#options = options
    this.#statements = dataKeyStatements(options.storage.dialect)
    this.#encryptionState = options.encryptionState
    const { storage, keyRing, grant = 65_536, maxUses = maxKeyUses, cacheMs = 900_000 } = options
    this.#rows = new DataKeyRows(storage, keyRing)
    this.#limits = { grant, maxUses, cacheMs }
    this.#userKeys = lruCache(options.users ?? 10_000)
  }

  get encryptionState(): EncryptionState {
    return this.#encryptionState
  }
  set encryptionState(encryptionState: EncryptionState) {
    this.#encryptionState = encryptionState
  }

  encrypt(user: UserId, values: readonly LocatedValue[]): EncryptedValues | Promise<EncryptedValues> {
    const userKeys = this.#known(user)
    if (userKeys?.current || !this.#isEncrypting) return this.#encrypted(user, userKeys, values)
    return this.#forWriting(user).then((found) => this.#encrypted(user, found, values))
  }

  decrypt(user: UserId, values: readonly LocatedValue[]): readonly string[] | Promise<readonly string[]> {
    const texts = this.#decrypted(user, values, this.#known(user))
    return texts ?? this.#reloadAndOpen(user, values)
  }

  outdated(user: UserId): void {
    this.#userKeys.delete(user)
  }

  /** Gives the user another data key, once per re-encryption. @returns the id of the key */
  async renew(user: UserId, reencryption: string): Promise<string> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const { current } = await this.#forWriting(user)
      if (current?.reencryption === reencryption) return current.id
      await this.#rows.create(user, current?.id, reencryption).finally(() => this.outdated(user))
    }
    throw failure('encryption.changing', { user })
  }

  /** Returns the id of the current data key of the user. */
  async currentOf(user: UserId): Promise<string> {
    return ((await this.#forWriting(user)).current as KeyRow).id
  }

  /** Wraps the user's keys with the current key of the ring. @returns how many were wrapped with another key */
  rewrap(user: UserId): Promise<number> {
    return this.#rows.rewrapDataKeys(user)
  }

  /**
   * Deletes the user's keys with which no value is encrypted any more: all but the current one.
   * @param current the id of the current key; null: there is none
   * @returns false if another key is current by now; no key is deleted then
   */
  async drop(user: UserId, current: string | null): Promise<boolean> {
    const isDropped = await this.#rows.drop(user, current)
    this.outdated(user)
    return isDropped
  }

  /** From now on no process encrypts a change for the user. */
  async retireKeys(user: UserId): Promise<void> {
    await this.#rows.retireAll(user)
    this.outdated(user)
  }

  get #isEncrypting(): boolean {
    return this.#encryptionState.state === 'encrypted' || this.#encryptionState.state === 'encrypting'
  }

  #known(user: UserId): UserKeys | undefined {
    const userKeys = this.#userKeys.get(user)
    if (userKeys && this.#options.clock.monotonic() - userKeys.at > this.#limits.cacheMs) {
      this.#userKeys.delete(user)
      return undefined
    }
    return userKeys
  }

  #encrypted(user: UserId, userKeys: UserKeys | undefined, values: readonly LocatedValue[]): EncryptedValues {
    const current = userKeys?.current
    const key = current && userKeys.keys.get(current.id)
    if (!this.#isEncrypting || !userKeys || !current || !key)
      return { texts: values.map(({ text }) => text), guards: [], committed: () => {} }
    const texts = values.map(({ location, text }) => key.encrypt(locationText(user, location), text))
    const { check, countUse } = this.#statements
    const expected = { expect: { rows: 1 }, otherwise: 'encryption.changing', detail: { user } } as const
    const at = { user, id: current.id }
    if (userKeys.granted >= texts.length) {
      userKeys.granted -= texts.length
      return { texts, guards: [check(at, expected)], committed: () => {} }
    }
    const more = this.#limits.grant + texts.length
    return {
      texts,
      guards: [countUse({ ...at, more, maxUses: this.#limits.maxUses - more }, expected)],
      committed: () => {
        userKeys.granted += this.#limits.grant
      },
    }
  }

  /** @returns undefined if a cached key or the cached state of the database may be outdated */
  #decrypted(
    user: UserId,
    values: readonly LocatedValue[],
    userKeys: UserKeys | undefined,
  ): readonly string[] | undefined {
    const texts: string[] = []
    for (const { location, text } of values) {
      if (!isEncrypted(text)) {
        if (this.#encryptionState.state === 'encrypted') return undefined
        texts.push(text)
        continue
      }
      const key = userKeys?.keys.get(keyIdOf(text))
      if (!key) return undefined
      const plain = key.decrypt(locationText(user, location), text)
      if (plain === undefined) throw damaged(location, 'it was changed, or moved from another place')
      texts.push(plain)
    }
    return texts
  }

  async #reloadAndOpen(user: UserId, values: readonly LocatedValue[]): Promise<readonly string[]> {
    this.outdated(user)
    const userKeys = await this.#load(user)
    const texts = this.#decrypted(user, values, userKeys)
    if (texts) return texts
    const wrong = values.find(({ text }) => !isEncrypted(text) || !userKeys.keys.has(keyIdOf(text))) as LocatedValue
    if (!isEncrypted(wrong.text))
      throw damaged(wrong.location, 'it is not encrypted, and all values of this database are')
    if (await this.#rows.isErasing(user)) throw failure('user.forgotten', { user })
    throw damaged(wrong.location, `its data key ${keyIdOf(wrong.text)} is not there`)
  }

  async #forWriting(user: UserId): Promise<UserKeys> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const userKeys = this.#known(user) ?? (await this.#load(user))
      const { current } = userKeys
      if (!this.#isEncrypting || (current && current.uses + 2 * this.#limits.grant <= this.#limits.maxUses))
        return userKeys
      await this.#rows.create(user, current?.id).finally(() => this.outdated(user))
    }
    throw failure('encryption.changing', { user })
  }

  /** Once at a time per user. */
  #load(user: UserId): Promise<UserKeys> {
    const known = this.#loading.get(user)
    if (known) return known
    const loading = this.#read(user).finally(() => this.#loading.delete(user))
    this.#loading.set(user, loading)
    return loading
  }

  async #read(user: UserId): Promise<UserKeys> {
    const { storage, clock } = this.#options
    const rows = await this.#rows.all(user)
    const encryptionState = await readEncryptionState(storage)
    if (encryptionState) this.#encryptionState = encryptionState
    const keys = await this.#rows.unwrap(user, rows)
    const userKeys: UserKeys = { keys, current: rows.find((row) => row.current), at: clock.monotonic(), granted: 0 }
    this.#userKeys.set(user, userKeys)
    return userKeys
  }
}

const locationText = (user: UserId, { kind, of }: ValueLocation): string => JSON.stringify([user, kind, ...of])

const damaged = ({ kind, of }: ValueLocation, problem: string) =>
  failure('encryption.damaged', { kind, location: of.join(', '), problem })
