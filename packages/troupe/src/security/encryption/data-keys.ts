/**
 * The codec of a troupe with encryption: one data key per user that seals, older ones that still open, each wrapped by the
 * key ring in a row of the user.
 *
 * Invariants: a change is committed only while the key it was sealed under is the user's current one (its guard reads the
 * row). A process seals only as often as it was granted in the row, before it seals: so no key passes `maxKeyUses`, whatever
 * crashes. What is kept in memory is bounded in number and in time.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, failure, type UserId } from '../../core/index.ts'
import type { Codec, EncryptedValues, LocatedValue, OpenedStorage, ValueLocation } from '../../storage/index.ts'
import { DataKeyRows } from './data-key-rows.ts'
import { dataKeyStatements, type KeyRow } from './data-key-statements.ts'
import { type DataKey, isEncrypted, keyIdOf, maxKeyUses } from './encrypt.ts'
import { type EncryptionState, readEncryptionState } from './encryption-state.ts'
import type { KeyRing } from './key-ring-port.ts'

export interface DataKeysOptions {
  /** As it is: keys are wrapped, not sealed. */
  readonly storage: OpenedStorage
  readonly keyRing: KeyRing
  readonly clock: Clock
  readonly encryptionState: EncryptionState
  /** Users whose keys are kept in memory; 10,000 by default. */
  readonly users?: number
  /** For so long; 15 min by default. */
  readonly cacheMs?: number
  /** Uses that a process is granted at once; 65,536 by default. */
  readonly grant?: number
  /** What one key seals at most; 2^32 by default. */
  readonly maxUses?: number
}

/** What is known of one user's keys. */
interface UserKeys {
  readonly keys: ReadonlyMap<string, DataKey>
  readonly current: KeyRow | undefined
  readonly at: number
  /** What this process may still seal. */
  granted: number
}

const maxAttempts = 5

export class DataKeys implements Codec {
  readonly #options: DataKeysOptions
  readonly #statements: ReturnType<typeof dataKeyStatements>
  readonly #rows: DataKeyRows
  readonly #limits: { readonly grant: number; readonly maxUses: number; readonly cacheMs: number }
  readonly #userKeys: LRUCache<UserId, UserKeys>
  readonly #loading = new Map<UserId, Promise<UserKeys>>()
  #encryptionState: EncryptionState

  constructor(options: DataKeysOptions) {
    this.#options = options
    this.#statements = dataKeyStatements(options.storage.dialect)
    this.#encryptionState = options.encryptionState
    const { storage, keyRing, grant = 65_536, maxUses = maxKeyUses, cacheMs = 900_000 } = options
    this.#rows = new DataKeyRows(storage, keyRing)
    this.#limits = { grant, maxUses, cacheMs }
    this.#userKeys = new LRUCache({ max: options.users ?? 10_000 })
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

  /** Gives the user another key to seal with, once per sweep. @returns its id */
  async renew(user: UserId, reencryption: string): Promise<string> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const { current } = await this.#forWriting(user)
      if (current?.reencryption === reencryption) return current.id
      await this.#rows.create(user, current?.id, reencryption).finally(() => this.outdated(user))
    }
    throw failure('encryption.changing', { user })
  }

  /** The id of the key that seals for the user now. */
  async currentOf(user: UserId): Promise<string> {
    return ((await this.#forWriting(user)).current as KeyRow).id
  }

  /** Wraps the user's keys with the current key of the ring. @returns how many were wrapped with another */
  rewrap(user: UserId): Promise<number> {
    return this.#rows.rewrap(user)
  }

  /** Nothing is encrypted under them any more. @param except the id of the key that stays; null: none does */
  async drop(user: UserId, except: string | null): Promise<void> {
    await this.#rows.drop(user, except)
    this.outdated(user)
  }

  /** From now on no change is encrypted for the user, by whatever process. */
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

  /** @returns undefined where a key or what is known of the database may be old */
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
    if (!isEncrypted(wrong.text)) throw damaged(wrong.location, 'it is not sealed, and everything in this database is')
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
