/**
 * Large values, stored once per user. A blob is inserted in the same change as its owner, and deleted in the same
 * change as its last owner. A blob without an owner therefore never exists.
 *
 * The hash is keyed by user with a secret. Equal values of two users have different hashes, and a hash does not confirm
 * a guessed value. The secret is stored in the database. With encryption on, it is combined with a second secret that
 * is not in the database. Values stored earlier keep their hash.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { failure, type UserId } from '../core/index.ts'
import { type Blobs, largeBytes, type ValueRef } from './blobs-port.ts'
import type { Statement } from './changes/statement.ts'
import { type Dialect, template } from './dialect.ts'
import type { Storage } from './storage-port.ts'
import { blobContent } from './user-tables.ts'

const largest = 8 * 1024 * 1024

interface Tables {
  storage_settings: { name: string; value: Uint8Array }
  storage_blobs: { user_id: string; hash: string; bytes: number; content: string }
  storage_blob_owners: { user_id: string; owner: string; hash: string }
}

/** @param options.secret a secret outside the database, combined with the stored secret for new hashes */
export async function createBlobs(
  storage: Pick<Storage, 'dialect' | 'read'>,
  options: { readonly secret?: Uint8Array | undefined } = {},
): Promise<Blobs> {
  const queries = compile(storage.dialect)
  const [rows] = await storage.read({ work: true }, [queries.secret({}, { returns: true })])
  const secret = rows?.[0]?.value
  if (!(secret instanceof Uint8Array)) throw failure('invariant.broken', { rule: 'a database has a secret for hashes' })
  const own = options.secret ? createHmac('sha256', secret).update(options.secret).digest() : secret
  const hashOf = (user: UserId, json: string, by = own) => {
    const key = createHmac('sha256', by).update(user).digest()
    return createHmac('sha256', key).update(json).digest('hex')
  }
  const fits = (user: UserId, json: string, hash: string) =>
    [own, secret].some((by) => timingSafeEqual(Buffer.from(hashOf(user, json, by)), Buffer.from(hash)))
  return {
    store(user, owner, json) {
      const bytes = Buffer.byteLength(json)
      if (bytes > largest) throw failure('value.too_large', { what: 'The value', bytes, limit: largest })
      if (bytes <= largeBytes) return { value: { json }, statements: [] }
      const hash = hashOf(user, json)
      // The content is always sent, because the blob may be deleted before the change commits.
      const statements: readonly Statement[] = [
        queries.put({ user, hash, bytes, content: json }),
        queries.own({ user, owner, hash }),
      ]
      return { value: { blob: hash, bytes }, statements }
    },
    share: (user, owner, value) => ('json' in value ? [] : [queries.own({ user, owner, hash: value.blob })]),
    async load(user, value: ValueRef) {
      if ('json' in value) return value.json
      const [found] = await storage.read({ user }, [queries.content({ user, hash: value.blob }, { returns: true })])
      const content = found?.[0]?.content
      if (typeof content !== 'string')
        throw failure('invariant.broken', { rule: 'a value lives as long as its owners' })
      if (!fits(user, content, value.blob))
        throw failure('storage.corrupt', { path: 'of the storage', problem: 'a value does not fit its hash' })
      return content
    },
    mark: (user, text) =>
      createHmac('sha256', options.secret ?? '')
        .update(`${user.length} ${user}${text}`)
        .digest('base64url')
        .slice(0, 22),
    release: (user, owner) => [queries.drop({ user, owner }), queries.disown({ user, owner })],
  }
}

function compile(dialect: Dialect) {
  type Owned = { user: string; owner: string }
  return {
    secret: template<Tables, Record<never, never>>(dialect, (db) =>
      db.selectFrom('storage_settings').select('value').where('name', '=', 'secret'),
    ),
    content: template<Tables, { user: string; hash: string }>(
      dialect,
      (db, p) =>
        db.selectFrom('storage_blobs').select('content').where('user_id', '=', p.user).where('hash', '=', p.hash),
      blobContent,
    ),
    put: template<Tables, { user: string; hash: string; bytes: number; content: string }>(
      dialect,
      (db, p) =>
        db
          .insertInto('storage_blobs')
          .values({ user_id: p.user, hash: p.hash, bytes: p.bytes, content: p.content })
          .onConflict((conflict) => conflict.doNothing()),
      blobContent,
    ),
    own: template<Tables, Owned & { hash: string }>(dialect, (db, p) =>
      db
        .insertInto('storage_blob_owners')
        .values({ user_id: p.user, owner: p.owner, hash: p.hash })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    /** Deletes the blobs whose last owner is this one. */
    drop: template<Tables, Owned>(dialect, (db, p) =>
      db
        .deleteFrom('storage_blobs')
        .where('user_id', '=', p.user)
        .where('hash', 'in', (of) =>
          of
            .selectFrom('storage_blob_owners')
            .select('hash')
            .where('user_id', '=', p.user)
            .where('owner', '=', p.owner),
        )
        .where((where) =>
          where.not(
            where.exists(
              where
                .selectFrom('storage_blob_owners as other')
                .select('other.hash')
                .where('other.user_id', '=', p.user)
                .whereRef('other.hash', '=', 'storage_blobs.hash')
                .where('other.owner', '!=', p.owner),
            ),
          ),
        ),
    ),
    disown: template<Tables, Owned>(dialect, (db, p) =>
      db.deleteFrom('storage_blob_owners').where('user_id', '=', p.user).where('owner', '=', p.owner),
    ),
  }
}
