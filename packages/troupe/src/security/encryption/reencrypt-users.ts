/**
 * Goes through all users and their rows: encrypts plain values, encrypts with new keys, decrypts, or wraps keys again.
 * It works in bounded batches while the troupe works; each change replaces only values that are still what was read.
 * The progress is recorded, so that it continues after a crash; doing a batch twice has no further effect.
 * Several processes may do the same work at once, and another work of another process may follow.
 * Invariant: an old key is deleted only when all tables of its user were gone through since the key was retired, and the
 * key that the values are encrypted with is still the current one.
 */
import { type Clock, type Events, failure, TroupeError, type UserId } from '../../core/index.ts'
import type { OpenedStorage, UserTable } from '../../storage/index.ts'
import type { DataKeys } from './data-keys.ts'
import { changeEncryptionState, isRecorded, type Reencryption } from './encryption-state.ts'
import { nextUser } from './next-user.ts'
import { reencryptTable } from './reencrypt-table.ts'

/** The result of work that went over all users. */
export interface ReencryptionResult {
  /** The number of users. */
  readonly users: number
  /** The number of rewritten rows and wrapped keys. */
  readonly rows: number
}

export interface ReencryptionParts {
  readonly storage: OpenedStorage
  readonly keys: DataKeys
  readonly clock: Clock
  readonly events: Events
  /** The tables of all modules. */
  readonly tables: readonly UserTable[]
}

/** The progress is recorded and reported after this number of users. */
const usersPerCheckpoint = 20
const maxAttempts = 5
export const keyTable: UserTable = { module: 'security', name: 'security_data_keys', key: ['id'] }

/** @returns the result since the start of the work, also across interruptions */
export async function reencryptUsers(
  parts: ReencryptionParts,
  reencryption: Reencryption,
  signal: AbortSignal,
): Promise<ReencryptionResult> {
  const { storage, clock, events } = parts
  const tables = parts.tables.filter(({ content }) => content)
  const over = reencryption.what === 'keys' ? [keyTable] : [...tables, keyTable]
  let [users, rows, after] = [0, 0, reencryption.after]
  const emit = (done: boolean) =>
    events.emit({ type: 'encryption.reencrypted', at: clock.now(), what: reencryption.what, users, rows, done })
  for (;;) {
    signal.throwIfAborted()
    const user = await nextUser(storage, over, after)
    if (user === undefined) break
    rows += await reencryptUser(parts, tables, reencryption, user, signal)
    after = user
    if (++users % usersPerCheckpoint > 0) continue
    const { isChanged } = await changeEncryptionState(storage, (stored) =>
      stored && isRecorded(stored, reencryption) ? { ...stored, reencryption: { ...reencryption, after } } : undefined,
    )
    // Another process has completed the work.
    if (!isChanged) break
    emit(false)
  }
  emit(true)
  return { users, rows }
}

async function reencryptUser(
  parts: ReencryptionParts,
  tables: readonly UserTable[],
  { what, id }: Reencryption,
  user: UserId,
  signal: AbortSignal,
): Promise<number> {
  const { storage, keys } = parts
  if (what === 'keys') return keys.rewrap(user)
  try {
    let rows = 0
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      // The key for new values changes before the tables are read, so that no value is written under the old one behind
      // the reader.
      if (what === 'decrypt') await keys.retireKeys(user)
      else if (what === 'data' && attempt === 0) await keys.renew(user, id)
      const under = what === 'decrypt' ? undefined : await keys.currentOf(user)
      for (const table of tables) rows += await reencryptTable({ storage, keys, user, under, signal }, table)
      if (what === 'encrypt' || (await keys.drop(user, under ?? null))) return rows
      // Another process has given the user a newer key meanwhile.
    }
    throw failure('encryption.changing', { user })
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'user.forgotten') return 0
    throw error
  }
}
