/**
 * The statements of blobs. A blob has two kinds of owners: records whose module releases the blob (`due_at` is null),
 * and locations of content, which the cleanup looks up when they are due (`unused-blobs.ts`).
 */
import { sql } from 'kysely'
import type { Bind } from '../changes/statement.ts'
import { type Dialect, rawTemplates, template } from '../dialect.ts'
import { blobContent } from '../user-tables.ts'

export interface BlobTables {
  storage_blobs: { user_id: string; hash: string; bytes: number; content: string }
  storage_blob_owners: { user_id: string; owner: string; hash: string; due_at: number | null; unused: number }
}
type Owned = { user: string; owner: string }
type Named = Owned & { hash: string }

export type BlobStatements = ReturnType<typeof compileBlobStatements>

export function compileBlobStatements(dialect: Dialect) {
  return {
    content: template<BlobTables, { user: string; hash: string }>(
      dialect,
      (db, p) =>
        db.selectFrom('storage_blobs').select('content').where('user_id', '=', p.user).where('hash', '=', p.hash),
      blobContent,
    ),
    put: template<BlobTables, { user: string; hash: string; bytes: number; content: string }>(
      dialect,
      (db, p) =>
        db
          .insertInto('storage_blobs')
          .values({ user_id: p.user, hash: p.hash, bytes: p.bytes, content: p.content })
          .onConflict((conflict) => conflict.doNothing()),
      blobContent,
    ),
    own: template<BlobTables, Named>(dialect, (db, p) =>
      db
        .insertInto('storage_blob_owners')
        .values({ user_id: p.user, owner: p.owner, hash: p.hash, due_at: null, unused: 0 })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    ...releases(dialect),
    ...locations(dialect),
  }
}

function releases(dialect: Dialect) {
  return {
    /** Deletes the blobs whose last owner is this one. */
    drop: template<BlobTables, Owned>(dialect, (db, p) =>
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
    disown: template<BlobTables, Owned>(dialect, (db, p) =>
      db.deleteFrom('storage_blob_owners').where('user_id', '=', p.user).where('owner', '=', p.owner),
    ),
    /** Deletes the blob if it has no owner. */
    dropUnowned: template<BlobTables, { user: string; hash: string }>(dialect, (db, p) =>
      db
        .deleteFrom('storage_blobs')
        .where('user_id', '=', p.user)
        .where('hash', '=', p.hash)
        .where((where) =>
          where.not(
            where.exists(
              where
                .selectFrom('storage_blob_owners')
                .select('hash')
                .where('user_id', '=', p.user)
                .where('hash', '=', p.hash),
            ),
          ),
        ),
    ),
  }
}

function locations(dialect: Dialect) {
  const compile = rawTemplates(dialect)
  type Due = Named & { dueAt: Bind }
  return {
    /** A location names the blob, or names it again. */
    ownByLocation: compile<Due>(
      (p) => sql`insert into storage_blob_owners (user_id, owner, hash, due_at, unused)
        values (${p.user}, ${p.owner}, ${p.hash}, ${p.dueAt}, 0)
        on conflict (user_id, owner, hash) do update set due_at = excluded.due_at, unused = 0`,
    ),
    due: compile<{ user: string; now: Bind; limit: number }>(
      (p) => sql`select owner, hash, due_at, unused from storage_blob_owners
        where user_id = ${p.user} and due_at <= ${p.now} order by due_at limit ${p.limit}`,
    ),
    /** Schedules the first lookups of a user. */
    schedule: compile<{ user: string; dueAt: Bind }>(
      (p) => sql`insert into storage_blob_lookups (user_id, due_at) values (${p.user}, ${p.dueAt})
        on conflict do nothing`,
    ),
    dueUsers: compile<{ now: Bind; limit: number }>(
      (p) => sql`select user_id from storage_blob_lookups where due_at <= ${p.now} order by due_at limit ${p.limit}`,
    ),
    unschedule: compile<{ user: string }>((p) => sql`delete from storage_blob_lookups where user_id = ${p.user}`),
    /** Schedules the next lookup of a user, if any location is left. */
    reschedule: compile<{ user: string }>(
      (p) => sql`insert into storage_blob_lookups (user_id, due_at)
        select user_id, min(due_at) from storage_blob_owners
        where user_id = ${p.user} and due_at is not null group by user_id`,
    ),
    /** Records the result of a lookup, unless the location was written since. */
    recordLookup: compile<Due & { unused: number; wasDueAt: number; wasUnused: number }>(
      (p) => sql`update storage_blob_owners set due_at = ${p.dueAt}, unused = ${p.unused}
        where user_id = ${p.user} and owner = ${p.owner} and hash = ${p.hash}
          and due_at = ${p.wasDueAt} and unused = ${p.wasUnused}`,
    ),
    /** Removes a location that two lookups found unused, unless it was written since. */
    disownUnused: compile<Named & { wasDueAt: number }>(
      (p) => sql`delete from storage_blob_owners
        where user_id = ${p.user} and owner = ${p.owner} and hash = ${p.hash} and due_at = ${p.wasDueAt} and unused = 1`,
    ),
  }
}
