/**
 * The state of encryption of a database, and the work that goes over all users: one row for the whole database, without
 * content.
 */
import { sql } from 'kysely'
import { type Dialect, type OpenedStorage, templates } from '../../storage/index.ts'
import { commitWork } from '../committed.ts'

/** Re-encryption of all users. After a crash it continues after the last recorded user. */
export interface Reencryption {
  /**
   * `encrypt` plain values, wrap data `keys` with the current key, encrypt `data` with new data keys, or `decrypt`
   * values.
   */
  readonly what: 'encrypt' | 'keys' | 'data' | 'decrypt'
  /** The last user that is done. */
  readonly after: string
  /** A random id. */
  readonly id: string
}

/** The stored state of encryption. */
export interface EncryptionState {
  /**
   * `encrypting`: new values are encrypted, older ones may be plain. `encrypted`: all values are, and a plain one is
   * rejected. `decrypting`: new values are plain, older ones may be encrypted. `off`: no value is encrypted.
   */
  readonly state: 'encrypting' | 'encrypted' | 'decrypting' | 'off'
  /** The work that goes over all users now; absent if there is none. */
  readonly reencryption?: Reencryption
}

export function encryptionStatements(dialect: Dialect) {
  const compile = templates(dialect)
  type Named = { name: string }
  type Valued = Named & { value: string }
  const insert = (p: Valued) => sql`insert into security_encryption (name, value) values (${p.name}, ${p.value})`
  return {
    all: compile<Record<never, never>>(() => sql`select name, value from security_encryption`),
    one: compile<Named>((p) => sql`select value from security_encryption where name = ${p.name}`),
    put: compile<Valued>((p) => sql`${insert(p)} on conflict (name) do update set value = excluded.value`),
    /** A row of another process stays. */
    begin: compile<Valued>((p) => sql`${insert(p)} on conflict do nothing`),
    remove: compile<Named>((p) => sql`delete from security_encryption where name = ${p.name}`),
  }
}

export const encryptionStateName = 'encryption-state'

export async function readEncryptionState(storage: OpenedStorage): Promise<EncryptionState | undefined> {
  const { one } = encryptionStatements(storage.dialect)
  const [rows] = await storage.read({ work: true }, [one({ name: encryptionStateName })])
  const value = rows?.[0]?.value
  return typeof value === 'string' ? (JSON.parse(value) as EncryptionState) : undefined
}

export async function writeEncryptionState(storage: OpenedStorage, encryptionState: EncryptionState): Promise<void> {
  const { put } = encryptionStatements(storage.dialect)
  await commitWork(storage, [put({ name: encryptionStateName, value: JSON.stringify(encryptionState) })])
}
