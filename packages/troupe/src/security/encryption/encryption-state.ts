/**
 * The state of encryption of a database, and the work that goes over all users: one row for the whole database, without
 * content.
 */
import { sql } from 'kysely'
import { type Dialect, type OpenedStorage, templates } from '../../storage/index.ts'
import { commitWork } from '../commit-work.ts'

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
  /** The id of the key of the ring that wraps data keys; absent if each process wraps with its current one. */
  readonly to?: string
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
    /** Only if the value is still the one that was read. */
    replace: compile<Valued & { old: string }>(
      (p) => sql`update security_encryption set value = ${p.value} where name = ${p.name} and value = ${p.old}`,
    ),
    put: compile<Valued>((p) => sql`${insert(p)} on conflict (name) do update set value = excluded.value`),
    /** A row of another process stays. */
    begin: compile<Valued>((p) => sql`${insert(p)} on conflict do nothing`),
    /** Returns the row and protects it from deletion until the end of the change. */
    hold: compile<Named>(
      (p) => sql`select name from security_encryption where name = ${p.name}
        ${dialect.name === 'postgres' ? sql`for key share` : sql``}`,
    ),
    remove: compile<Named>((p) => sql`delete from security_encryption where name = ${p.name}`),
  }
}

export const encryptionStateName = 'encryption-state'

export async function readEncryptionState(storage: OpenedStorage): Promise<EncryptionState | undefined> {
  return parsed(await readText(storage))
}

const parsed = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as EncryptionState))

async function readText(storage: OpenedStorage): Promise<string | undefined> {
  const { one } = encryptionStatements(storage.dialect)
  const [rows] = await storage.read({ work: true }, [one({ name: encryptionStateName })])
  const value = rows?.[0]?.value
  return typeof value === 'string' ? value : undefined
}

/**
 * Changes the stored state, which several processes change, from the one that is stored now.
 * @param next returns undefined to leave the state as it is
 * @returns the stored state, and whether it was changed
 */
export async function changeEncryptionState(
  storage: OpenedStorage,
  next: (stored: EncryptionState | undefined) => EncryptionState | undefined,
): Promise<{ readonly stored: EncryptionState | undefined; readonly isChanged: boolean }> {
  const { begin, replace } = encryptionStatements(storage.dialect)
  for (;;) {
    const old = await readText(storage)
    const wanted = next(parsed(old))
    if (wanted === undefined) return { stored: parsed(old), isChanged: false }
    const row = { name: encryptionStateName, value: JSON.stringify(wanted) }
    const { affected } = await commitWork(storage, [old === undefined ? begin(row) : replace({ ...row, old })])
    if (affected[0] === 1) return { stored: wanted, isChanged: true }
  }
}

/** Returns whether the state records this work, which another process may have completed. */
export const isRecorded = (state: EncryptionState | undefined, { what, id }: Reencryption): boolean =>
  state?.reencryption?.id === id && state.reencryption.what === what
