/**
 * The tables of API keys and their statements. They have no content, since a key is looked up before its user is known.
 */
import { sql } from 'kysely'
import { type Bind, type Dialect, postgresTables, templates, workTable } from '../../storage/index.ts'

const tables = [
  // `kind` is key, link or session; the secret itself is stored nowhere.
  `create table security_api_keys (
    id text not null primary key, kind text not null, name text not null, hash text not null, role text not null,
    operations text, agent text, taint text not null default '[]', successor text, every_user integer not null, created_at integer not null, expires_at integer,
    revoked_at integer, reminded_at integer)`,
  // Rows of a user: an erasure deletes them, and the key opens nothing when the last one is deleted.
  `create table security_api_key_users (user_id text not null, key_id text not null, primary key (user_id, key_id))`,
  'create index security_api_key_users_by_key on security_api_key_users (key_id)',
]

export const keysSchema = {
  sqlite: tables,
  postgres: [...postgresTables(tables), workTable('security_api_keys'), workTable('security_api_key_users')],
}

// The API key or session that opened a session or made a link, which is valid only while its opener is.
const openedBy = ['alter table security_api_keys add column opened_by text']
export const openedBySchema = { sqlite: openedBy, postgres: openedBy }

export interface NewKey {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly hash: string
  readonly role: string
  readonly operations: string | null
  readonly agent: string | null
  /** JSON list of labels. */
  readonly taint: string
  readonly everyUser: number
  readonly expiresAt: Bind
  /** The API key or session that opened a session or made a link; null if a provider or the host did. */
  readonly openedBy: string | null
}

export type KeyStatements = ReturnType<typeof keyStatements>

export function keyStatements(dialect: Dialect) {
  const compile = templates(dialect)
  type At = { now: Bind }
  /** Of the innermost table. */
  const usable = ({ now }: At) => sql`revoked_at is null and (expires_at is null or expires_at > ${now})`
  const valid = (p: { id: string } & At) =>
    sql`id = ${p.id} and ${usable(p)} and (opened_by is null or exists
      (select 1 from security_api_keys opener where opener.id = security_api_keys.opened_by and ${usable(p)}))`
  /** The lifetime of a key. A rotated key ends with its overlap, so the lifetime is that of its last successor. */
  const lifetime = (old: string) => sql`(with recursive heirs as (
      select successor, created_at, expires_at from security_api_keys where id = ${old}
      union all select heir.successor, heir.created_at, heir.expires_at from security_api_keys heir
        join heirs on heir.id = heirs.successor)
    select max(expires_at - created_at) from heirs where successor is null)`
  return {
    insert: compile<NewKey & At>(
      (
        p,
      ) => sql`insert into security_api_keys (id, kind, name, hash, role, operations, agent, taint, every_user, created_at, expires_at,
          opened_by)
        values (${p.id}, ${p.kind}, ${p.name}, ${p.hash}, ${p.role}, ${p.operations}, ${p.agent}, ${p.taint}, ${p.everyUser}, ${p.now},
          ${p.expiresAt}, ${p.openedBy})`,
    ),
    grant: compile<{ user: string; id: string }>(
      (p) => sql`insert into security_api_key_users (user_id, key_id) values (${p.user}, ${p.id})`,
    ),
    /** A new key of the same scope and life. */
    succeed: compile<{ old: string; id: string; hash: string } & At>(
      (
        p,
      ) => sql`insert into security_api_keys (id, kind, name, hash, role, operations, agent, taint, every_user, created_at, expires_at)
        select cast(${p.id} as text), kind, name, cast(${p.hash} as text), role, operations, agent, taint, every_user,
          cast(${p.now} as bigint), cast(${p.now} as bigint) + ${lifetime(p.old)}
        from security_api_keys where id = ${p.old} and kind = 'key'`,
    ),
    inherit: compile<{ old: string; id: string }>(
      (p) => sql`insert into security_api_key_users (user_id, key_id)
        select user_id, cast(${p.id} as text) from security_api_key_users where key_id = ${p.old}`,
    ),
    endSoon: compile<{ id: string; successor: string; until: Bind } & At>(
      (p) => sql`update security_api_keys set successor = ${p.successor}, expires_at =
          case when expires_at is null or expires_at > ${p.until} then ${p.until} else expires_at end
        where kind = 'key' and ${valid(p)}`,
    ),
    revoke: compile<{ id: string } & At>(
      (p) => sql`update security_api_keys set revoked_at = ${p.now} where id = ${p.id} and revoked_at is null`,
    ),
    /** Uses a link up. */
    consume: compile<{ id: string } & At>(
      (p) => sql`delete from security_api_keys where kind = 'link' and ${valid(p)}`,
    ),
    drop: compile<{ id: string }>((p) => sql`delete from security_api_keys where id = ${p.id} and kind <> 'key'`),
    cleanupUsers: compile<At>(
      (p) => sql`delete from security_api_key_users where key_id in
        (select id from security_api_keys where kind <> 'key' and expires_at <= ${p.now})`,
    ),
    cleanup: compile<At>((p) => sql`delete from security_api_keys where kind <> 'key' and expires_at <= ${p.now}`),
    valid: compile<{ id: string; due: Bind; today: Bind } & At>(
      (p) => sql`select kind, name, hash, role, operations, agent, taint, every_user, created_at, opened_by,
          case when kind = 'key' and created_at <= ${p.due} and (reminded_at is null or reminded_at <= ${p.today})
            then 1 else 0 end as due
        from security_api_keys where ${valid(p)}`,
    ),
    /** Also finds the successor of a key that has ended. */
    successor: compile<{ id: string; user: string } & At>(
      (p) => sql`select successor, case when ${valid(p)} and (every_user = 1 or exists (select 1
          from security_api_key_users u where u.key_id = ${p.id} and u.user_id = ${p.user})) then 1 else 0 end as valid
        from security_api_keys where id = ${p.id}`,
    ),
    usersOf: compile<{ id: string }>(
      (p) => sql`select user_id from security_api_key_users where key_id = ${p.id} order by user_id`,
    ),
    remind: compile<{ id: string; today: Bind } & At>(
      (p) => sql`update security_api_keys set reminded_at = ${p.now}
        where id = ${p.id} and (reminded_at is null or reminded_at <= ${p.today})`,
    ),
    list: compile<{ after: string; limit: number } & At>(
      (p) => sql`select id, name, role, operations, agent, taint, every_user, created_at, expires_at, revoked_at,
          case when expires_at <= ${p.now} then 1 else 0 end as expired
        from security_api_keys where kind = 'key' and id > ${p.after} order by id limit ${p.limit}`,
    ),
    usersOfAll: compile<{ after: string; last: string }>(
      (p) => sql`select key_id, user_id from security_api_key_users where key_id > ${p.after} and key_id <= ${p.last}
        order by user_id`,
    ),
    any: compile<At>(
      (p) => sql`select 1 as there from security_api_keys
        where kind = 'key' and ${usable(p)} limit 1`,
    ),
  }
}
