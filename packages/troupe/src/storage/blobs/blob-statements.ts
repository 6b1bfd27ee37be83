/**
 * The statements of blobs. A blob has two kinds of owners: records whose module releases the blob (`due_at` is null),
 * and locations of content, which the cleanup looks up when they are due (`unused-blobs.ts`).
 */
import { sql } from 'kysely'
import type { Bind } from '../changes/statement.ts'
import { type Dialect, templates } from '../dialect.ts'
import { blobContent } from '../user-tables.ts'

type Blob = { user: string; hash: string }
type Owned = { user: string; owner: string }
type Named = Owned & Blob

export type BlobStatements = ReturnType<typeof compileBlobStatements>

export function compileBlobStatements(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    content: compile<Blob>(
      (p) => sql`select content from storage_blobs where user_id = ${p.user} and hash = ${p.hash}`,
      blobContent,
    ),
    put: compile<Blob & { bytes: number; content: string }>(
      (p) => sql`insert into storage_blobs (user_id, hash, bytes, content)
        values (${p.user}, ${p.hash}, ${p.bytes}, ${p.content}) on conflict do nothing`,
      blobContent,
    ),
    own: compile<Named>(
      (p) => sql`insert into storage_blob_owners (user_id, owner, hash, due_at, unused)
        values (${p.user}, ${p.owner}, ${p.hash}, null, 0) on conflict do nothing`,
    ),
    ...releases(dialect),
    ...locations(dialect),
  }
}

function releases(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    /** Deletes the blobs whose last owner is this one. */
    drop: compile<Owned>(
      (p) => sql`delete from storage_blobs where user_id = ${p.user}
        and hash in (select hash from storage_blob_owners where user_id = ${p.user} and owner = ${p.owner})
        and not exists (select 1 from storage_blob_owners other
          where other.user_id = ${p.user} and other.hash = storage_blobs.hash and other.owner <> ${p.owner})`,
    ),
    disown: compile<Owned>(
      (p) => sql`delete from storage_blob_owners where user_id = ${p.user} and owner = ${p.owner}`,
    ),
    /** Deletes the blob if it has no owner. */
    dropUnowned: compile<Blob>(
      (p) => sql`delete from storage_blobs where user_id = ${p.user} and hash = ${p.hash}
        and not exists (select 1 from storage_blob_owners where user_id = ${p.user} and hash = ${p.hash})`,
    ),
  }
}

function locations(dialect: Dialect) {
  const compile = templates(dialect)
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
