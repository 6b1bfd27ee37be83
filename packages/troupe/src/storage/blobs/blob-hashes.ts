/**
 * The keyed hashes of blobs. The hash is keyed by user with a secret. Equal values of two users have different hashes,
 * and a hash does not confirm a guessed value. The secret is stored in the database. With encryption on, it is combined
 * with a second secret that is not in the database. Values stored earlier keep their hash.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { failure, type UserId } from '../../core/index.ts'
import { templates } from '../dialect.ts'
import type { Storage } from '../storage-port.ts'

export interface BlobHashes {
  of(user: UserId, text: string): string
  /** @throws ProcessingError `storage.corrupt` if the text does not have the hash */
  check(user: UserId, text: string, hash: string): void
}

/** @param secret a secret outside the database, combined with the stored secret for new hashes */
export async function openBlobHashes(
  storage: Pick<Storage, 'dialect' | 'read'>,
  secret: Uint8Array | undefined,
): Promise<BlobHashes> {
  const secretOf = templates(storage.dialect)(() => sql`select value from storage_settings where name = 'secret'`)
  const [rows] = await storage.read({ work: true }, [secretOf({}, { returns: true })])
  const stored = rows?.[0]?.value
  if (!(stored instanceof Uint8Array)) throw failure('invariant.broken', { rule: 'a database has a secret for hashes' })
  const own = secret ? createHmac('sha256', stored).update(secret).digest() : stored
  const hashOf = (user: UserId, text: string, by = own) => {
    const key = createHmac('sha256', by).update(user).digest()
    return createHmac('sha256', key).update(text).digest('hex')
  }
  const isEqual = (one: string, other: string) =>
    one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
  return {
    of: (user, text) => hashOf(user, text),
    check(user, text, hash) {
      if (![own, stored].some((by) => isEqual(hashOf(user, text, by), hash)))
        throw failure('storage.corrupt', { path: 'of the storage', problem: 'a value does not match its hash' })
    },
  }
}
