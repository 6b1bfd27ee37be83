/** How far a database is sealed, and what goes over it just now: one row for the whole database, without content. */
import { failure } from '../../core/index.ts'
import { type Dialect, type OpenedStorage, type Statement, template } from '../../storage/index.ts'
import type { EncryptionTables } from './encryption-tables.ts'

/** Goes over all users; after a crash it goes on behind the last one that it had noted. */
export interface Reencryption {
  /** Seal what is plain; wrap keys anew; seal anew under new keys; make plain. */
  readonly what: 'encrypt' | 'keys' | 'data' | 'decrypt'
  /** The user that was done last. */
  readonly after: string
  /** Random: no two have the same. */
  readonly id: string
}

export interface EncryptionState {
  /**
   * `sealing`: new values are sealed, old ones may be plain still. `encrypted`: everything is, and what is plain is refused.
   * `opening`: new values are plain, old ones may be sealed still. `off`: nothing is sealed.
   */
  readonly state: 'encrypting' | 'encrypted' | 'decrypting' | 'off'
  readonly reencryption?: Reencryption
}

export function encryptionStatements(dialect: Dialect) {
  type Named = { name: string }
  return {
    all: template<EncryptionTables, Record<never, never>>(dialect, (db) =>
      db.selectFrom('security_encryption').select(['name', 'value']),
    ),
    one: template<EncryptionTables, Named>(dialect, (db, p) =>
      db.selectFrom('security_encryption').select('value').where('name', '=', p.name),
    ),
    put: template<EncryptionTables, Named & { value: string }>(dialect, (db, p) =>
      db
        .insertInto('security_encryption')
        .values({ name: p.name, value: p.value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: p.value })),
    ),
    /** What another process put there stays. */
    begin: template<EncryptionTables, Named & { value: string }>(dialect, (db, p) =>
      db
        .insertInto('security_encryption')
        .values({ name: p.name, value: p.value })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    remove: template<EncryptionTables, Named>(dialect, (db, p) =>
      db.deleteFrom('security_encryption').where('name', '=', p.name),
    ),
  }
}

export const encryptionStateName = 'encryption-state'

export async function readEncryptionState(storage: OpenedStorage): Promise<EncryptionState | undefined> {
  const { one } = encryptionStatements(storage.dialect)
  const [rows] = await storage.read({ work: true }, [one({ name: encryptionStateName }, { returns: true })])
  const value = rows?.[0]?.value
  return typeof value === 'string' ? (JSON.parse(value) as EncryptionState) : undefined
}

export const writeEncryptionState = (storage: OpenedStorage, encryptionState: EncryptionState): Promise<void> =>
  commitWork(storage, [
    encryptionStatements(storage.dialect).put({ name: encryptionStateName, value: JSON.stringify(encryptionState) }),
  ])

export async function commitWork(storage: OpenedStorage, statements: readonly Statement[]): Promise<void> {
  const result = await storage.commit({ id: null, scope: { work: true }, statements })
  if (!result.ok) throw failure(result.code, { ...result.detail })
}
