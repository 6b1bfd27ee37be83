/** The rows of users' data keys, each wrapped by the key ring. */
import { failure, type UserId } from '../../core/index.ts'
import type { OpenedStorage } from '../../storage/index.ts'
import { committed } from '../committed.ts'
import { dataKeyStatements, type KeyRow, toKeyRow } from './data-key-statements.ts'
import { DataKey, newKey, newKeyId } from './encrypt.ts'
import type { KeyRing } from './key-ring-port.ts'

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
    const result = await this.#storage.commit({
      id: null,
      scope: { user },
      statements: [
        erasing({ user }, { expect: { rows: 0 }, otherwise: 'user.forgotten', detail: { user } }),
        ...(replacing === undefined ? [] : [retireKey({ user, id: replacing }, { expect: { rows: 1 } })]),
        insert({ user, id, ...wrapped, reencryption }, { expect: { rows: 1 } }),
      ],
    })
    if (!result.ok && result.code === 'user.forgotten') throw failure('user.forgotten', { user })
  }

  /** @returns how many keys were wrapped with another key than the current one of the ring */
  async rewrapDataKeys(user: UserId): Promise<number> {
    const old = (await this.all(user)).filter((row) => row.wrappingKey !== this.#keyRing.current)
    for (const row of old) {
      const key = await this.#keyRing.unwrap({ user, id: row.id }, { by: row.wrappingKey, text: row.wrapped })
      const wrapped = await this.#keyRing.wrap({ user, id: row.id }, key)
      await committed(this.#storage, { user }, [
        this.#statements.rewrap({ user, id: row.id, old: row.wrapped, ...wrapped }),
      ])
    }
    return old.length
  }
  /** @param except the id of the key that stays; null: none does */
  async drop(user: UserId, except: string | null): Promise<void> {
    await committed(this.#storage, { user }, [this.#statements.drop({ user, except: except ?? '' })])
  }
  async retireAll(user: UserId): Promise<void> {
    await committed(this.#storage, { user }, [this.#statements.retireAllKeys({ user })])
  }
  async isErasing(user: UserId): Promise<boolean> {
    const [rows] = await this.#storage.read({ user }, [this.#statements.erasing({ user })])
    return (rows?.length ?? 0) > 0
  }
}
