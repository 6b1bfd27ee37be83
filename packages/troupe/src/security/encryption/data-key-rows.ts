/** The rows of users' data keys, each wrapped by the key ring. */
import { failure, type UserId } from '../../core/index.ts'
import { type CommitResult, committed, type OpenedStorage, type Statement } from '../../storage/index.ts'
import { probeGuard, storeProbe } from './check-key-ring.ts'
import { dataKeyStatements, type KeyRow, toKeyRow } from './data-key-statements.ts'
import { DataKey, newKey, newKeyId } from './encrypt.ts'
import type { KeyRing, WrappedKey } from './key-ring-port.ts'

export class DataKeyRows {
  readonly #storage: Pick<OpenedStorage, 'read' | 'commit' | 'dialect'>
  readonly #keyRing: KeyRing
  readonly #statements: ReturnType<typeof dataKeyStatements>

  constructor(storage: Pick<OpenedStorage, 'read' | 'commit' | 'dialect'>, keyRing: KeyRing) {
    this.#storage = storage
    this.#keyRing = keyRing
    this.#statements = dataKeyStatements(storage.dialect)
  }

  async all(user: UserId): Promise<readonly KeyRow[]> {
    const [rows = []] = await this.#storage.read({ user }, [this.#statements.all({ user })])
    return rows.map(toKeyRow)
  }
  /** @returns the keys by their ids */
  async unwrap(user: UserId, rows: readonly KeyRow[]): Promise<ReadonlyMap<string, DataKey>> {
    const keys = new Map<string, DataKey>()
    for (const { id, wrappingKey, wrapped } of rows)
      keys.set(id, new DataKey(id, await this.#keyRing.unwrap({ user, id }, { by: wrappingKey, text: wrapped })))
    return keys
  }

  /**
   * Creates the current key of the user. If another process was faster, its key stays, and this call changes nothing.
   * @param replacing the id of the key that was current
   * @throws `user.forgotten`
   */
  async create(user: UserId, replacing: string | undefined, reencryption = ''): Promise<void> {
    const id = newKeyId()
    const wrapped = await this.#keyRing.wrap({ user, id }, newKey())
    const { erasing, retireKey, insert } = this.#statements
    const result = await this.#store(user, wrapped, [
      erasing({ user }, { expect: { rows: 0 }, otherwise: 'user.forgotten', detail: { user } }),
      ...(replacing === undefined ? [] : [retireKey({ user, id: replacing }, { expect: { rows: 1 } })]),
      insert({ user, id, ...wrapped, reencryption }, { expect: { rows: 1 } }),
    ])
    if (!result.ok && result.code === 'user.forgotten') throw failure('user.forgotten', { user })
  }

  /** @returns how many keys were wrapped with another key than the current one of the ring */
  async rewrapDataKeys(user: UserId): Promise<number> {
    const old = (await this.all(user)).filter((row) => row.wrappingKey !== this.#keyRing.current)
    for (const row of old) {
      const key = await this.#keyRing.unwrap({ user, id: row.id }, { by: row.wrappingKey, text: row.wrapped })
      const wrapped = await this.#keyRing.wrap({ user, id: row.id }, key)
      const rewrap = this.#statements.rewrap({ user, id: row.id, old: row.wrapped, ...wrapped })
      const result = await this.#store(user, wrapped, [rewrap])
      if (!result.ok) throw failure(result.code, { user, ...result.detail })
    }
    return old.length
  }
  /**
   * Deletes the keys except for the current one.
   * @param current the id of the current key; null: there is none
   * @returns false if another key is current, with which values may be encrypted; no key is deleted then
   */
  async drop(user: UserId, current: string | null): Promise<boolean> {
    const { anyCurrent, check, drop } = this.#statements
    const isCurrent =
      current === null
        ? anyCurrent({ user }, { expect: { rows: 0 }, otherwise: 'encryption.changing', detail: { user } })
        : check({ user, id: current }, { expect: { rows: 1 }, otherwise: 'encryption.changing', detail: { user } })
    const statements = [isCurrent, drop({ user, except: current ?? '' })]
    const result = await this.#storage.commit({ id: null, scope: { user }, statements })
    if (!result.ok && result.code !== 'encryption.changing') throw failure(result.code, { ...result.detail })
    return result.ok
  }
  async retireAll(user: UserId): Promise<void> {
    const statements = [this.#statements.retireAllKeys({ user })]
    await committed(this.#storage, { id: null, scope: { user }, statements })
  }
  async isErasing(user: UserId): Promise<boolean> {
    const [rows] = await this.#storage.read({ user }, [this.#statements.erasing({ user })])
    return (rows?.length ?? 0) > 0
  }

  /** Stores a wrapped key. The key of the ring that has wrapped it gets its probe back if a rotation has deleted it. */
  async #store(user: UserId, { by }: WrappedKey, statements: readonly Statement[]): Promise<CommitResult> {
    const change = { id: null, scope: { user }, statements: [...statements, probeGuard(this.#storage, by)] }
    const result = await this.#storage.commit(change)
    if (result.ok || result.code !== 'encryption.changing') return result
    await storeProbe(this.#storage, this.#keyRing)
    return this.#storage.commit(change)
  }
}
