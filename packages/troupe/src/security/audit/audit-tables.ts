/**
 * The tables of the audit log. Records belong to their user; records of the troupe itself have their own table. The tree and the
 * records without a leaf are work tables: hashes, ids, and marks of users.
 */
import { postgresTables, restrictTable } from '../../storage/index.ts'

/** The shortest retention of rejections: one day. */
export const incidentsMs = 86_400_000
/** The shortest retention of records: one hour. */
export const leastRetentionMs = 3_600_000

const columns = `id text not null, at integer not null, actor text not null, key_id text, operation text not null,
  resource text, allowed integer not null, reason text, nonce text not null, signature text`

const tables = [
  `create table security_audit (user_id text not null, ${columns}, primary key (user_id, id)) without rowid`,
  'create index security_audit_id on security_audit (id)',
  `create table security_audit_actions (${columns}, primary key (id)) without rowid`,
  `create table security_audit_pending (id text not null primary key, mark text not null, digest text not null) without rowid`,
  `create table security_audit_leaves (
    n integer not null primary key, id text not null, mark text not null, digest text not null, hash text not null)`,
  'create unique index security_audit_leaves_id on security_audit_leaves (id)',
  // A complete subtree of 2^level leaves, found by its last one.
  `create table security_audit_nodes (
    last integer not null, level integer not null, hash text not null, primary key (last, level)) without rowid`,
  // One row: the size of the tree, the roots of its complete subtrees, and the process that extends it.
  `create table security_audit_head (
    name text not null primary key, size integer not null, peaks text not null, holder text not null,
    lease_until integer not null) without rowid`,
  "insert into security_audit_head (name, size, peaks, holder, lease_until) values ('head', 0, '[]', '', 0)",
]

const row =
  'r.user_id, r.id, r.at, r.actor, r.key_id, r.operation, r.resource, r.allowed, r.reason, r.nonce, r.signature'

/** @param mark of a value, by its number */
type Mark = (n: number, type: string) => string

/** Leaves from one on, each with its record where that is still there. */
export const leavesWithRecords = (mark: Mark): string =>
  `select l.n, l.id as leaf, l.mark, l.digest, l.hash, ${row}
   from (select * from security_audit_leaves where n >= ${mark(1, 'bigint')} order by n limit ${mark(2, 'bigint')}) l
   left join (${everything}) r on r.id = l.id order by l.n`
/** Records without a leaf, each with the data of its leaf. */
export const recordsWithoutLeaf = (mark: Mark): string =>
  `select p.digest, ${row} from (${everything}) r left join security_audit_pending p on p.id = r.id
   where r.id > ${mark(1, 'text')} and not exists (select 1 from security_audit_leaves l where l.id = r.id)
   order by r.id limit ${mark(2, 'bigint')}`
/** The newest first. */
export const recordsOfAll = (mark: Mark): string => {
  const optional = (column: string, n: number, type: string, compare = '=') =>
    `(${mark(n, type)} is null or r.${column} ${compare} ${mark(n, type)})`
  return `select ${row} from (${everything}) r where ${[
    optional('actor', 1, 'text'),
    optional('operation', 2, 'text'),
    optional('resource', 3, 'text'),
    optional('allowed', 4, 'bigint'),
    optional('at', 5, 'bigint', '>='),
    optional('at', 6, 'bigint', '<'),
    optional('id', 7, 'text', '<'),
  ].join(' and ')} order by r.id desc limit ${mark(8, 'bigint')}`
}
/** Records older than an id, and refusals only before another one. */
const retirable = (mark: Mark): string =>
  `from security_audit where id < ${mark(1, 'text')} and (allowed = 1 or id < ${mark(2, 'text')})`
export const anyRetirable = (mark: Mark): string => `select 1 as found ${retirable(mark)} limit 1`
export const retireSome = (mark: Mark): string =>
  `delete from security_audit where (user_id, id) in
   (select user_id, id ${retirable(mark)} order by id limit ${mark(3, 'bigint')})`
/** Leaves of a range, each with whether it can go (0), stays (1), or its record has to go first or is young (2). */
export const leavesOfRange = (mark: Mark): string =>
  `select l.n, case when l.mark = '' then 1 when l.id >= ${mark(3, 'text')} then 2
     when exists (select 1 from security_audit r where r.id = l.id) then 2 else 0 end as state
   from security_audit_leaves l where l.n >= ${mark(1, 'bigint')} and l.n < ${mark(2, 'bigint')} order by l.n`

const stored = 'id, at, actor, key_id, operation, resource, allowed, reason, nonce, signature'
const everything = `select user_id, ${stored} from security_audit
   union all select '' as user_id, ${stored} from security_audit_actions`

const numbered: Mark = (n, type) => `$${n}::${type}`
const rowType = `user_id text, id text, at bigint, actor text, key_id text, operation text, resource text, allowed bigint,
  reason text, nonce text, signature text`

/** Over all users, with the rights of the tables' owner: records hold names, and no content. */
const functions = [
  `create function troupe_audit_leaves(bigint, bigint) returns table (n bigint, leaf text, mark text, digest text, hash text,
    ${rowType}) language sql stable security definer set search_path from current as $$ ${leavesWithRecords(numbered)} $$`,
  `create function troupe_audit_strays(text, bigint) returns table (digest text, ${rowType})
    language sql stable security definer set search_path from current as $$ ${recordsWithoutLeaf(numbered)} $$`,
  `create function troupe_audit_list(text, text, text, bigint, bigint, bigint, text, bigint) returns table (${rowType})
    language sql stable security definer set search_path from current as $$ ${recordsOfAll(numbered)} $$`,
  `create function troupe_audit_retirable(text, text) returns table (found integer)
    language sql stable security definer set search_path from current as $$ ${anyRetirable(numbered)} $$`,
  // Ids begin with their time (`core/ids.ts`).
  `create function troupe_audit_id(moment bigint) returns text language sql immutable as $$
    select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((moment >> (5 * digit)) & 31)::int, 1), '' order by digit desc)
    from generate_series(0, 9) as digit $$`,
  // Whatever time a process passes, no record is deleted that is too young by the database's clock.
  `create function troupe_audit_retire(before text, refused_before text, most bigint) returns bigint
    language plpgsql security definer set search_path from current as $$
    declare done bigint; now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000); floor_ms bigint;
      old text collate "C"; old_refused text collate "C"; begin
    select least_ms into strict floor_ms from security_audit_retention;
    old := least(before collate "C", troupe_audit_id(now_ms - floor_ms));
    old_refused := least(refused_before collate "C", troupe_audit_id(now_ms - greatest(floor_ms, ${incidentsMs})));
    ${retireSome((n) => ['', 'old', 'old_refused', 'most'][n] as string)};
    get diagnostics done = row_count; return done; end $$`,
  `create function troupe_audit_window(bigint, bigint, text) returns table (n bigint, state integer)
    language sql stable security definer set search_path from current as $$ ${leavesOfRange(numbered)} $$`,
  // The hash of the subtree stays. No leaf is deleted that is too young by the database's clock, or whose record
  // exists.
  `create function troupe_audit_prune(of_first bigint, of_level bigint, before text) returns bigint
    language plpgsql security definer set search_path from current as $$
    declare done bigint; now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000); floor_ms bigint;
      behind bigint := of_first + (1::bigint << of_level::int); old text collate "C"; begin
    select least_ms into strict floor_ms from security_audit_retention;
    old := least(before collate "C", troupe_audit_id(now_ms - greatest(floor_ms, ${incidentsMs})));
    if of_level < 1 or not exists (select 1 from security_audit_nodes where last = behind - 1 and level = of_level)
      or exists (select 1 from troupe_audit_window(of_first, behind, old) w where w.state <> 0) then return 0; end if;
    delete from security_audit_nodes where last >= of_first and last < behind and level < of_level;
    delete from security_audit_leaves where n >= of_first and n < behind;
    get diagnostics done = row_count; return done; end $$`,
  // A user's records are deleted with the user, while a mark says that the user is being erased.
  `create function troupe_audit_erase(of_user text, most bigint) returns setof text
    language sql security definer set search_path from current as $$
    delete from security_audit where user_id = of_user
      and exists (select 1 from security_erased_users e where e.user_id = of_user)
      and id in (select a.id from security_audit a where a.user_id = of_user limit most) returning id $$`,
  ...[
    'troupe_audit_leaves(bigint, bigint)',
    'troupe_audit_strays(text, bigint)',
    'troupe_audit_list(text, text, text, bigint, bigint, bigint, text, bigint)',
    'troupe_audit_retirable(text, text)',
    'troupe_audit_retire(text, text, bigint)',
    'troupe_audit_window(bigint, bigint, text)',
    'troupe_audit_prune(bigint, bigint, text)',
    'troupe_audit_erase(text, bigint)',
  ].map((name) => `revoke execute on function ${name} from public`),
]

/** The application only appends to the log; functions of the tables' owner delete from it. */
const rights = [
  restrictTable('security_audit', { revoke: 'update, delete' }),
  restrictTable('security_audit_actions', { work: true, revoke: 'update, delete' }),
  restrictTable('security_audit_pending', { work: true, revoke: 'update' }),
  restrictTable('security_audit_leaves', { work: true, revoke: 'update, delete' }),
  restrictTable('security_audit_nodes', { work: true, revoke: 'update, delete' }),
  restrictTable('security_audit_head', { work: true, revoke: 'insert, delete' }),
  restrictTable('security_audit_retention', { work: true, revoke: 'insert, update, delete' }),
]

/** One row, which the owner of the tables alone can change: no record that is younger goes. */
const retention = `create table security_audit_retention (least_ms bigint not null);
  insert into security_audit_retention (least_ms) values (${leastRetentionMs})`

export const auditSchema = { sqlite: tables, postgres: [...postgresTables(tables), retention, ...rights, ...functions] }

interface Columns {
  id: string
  at: number
  actor: string
  key_id: string | null
  operation: string
  resource: string | null
  allowed: number
  reason: string | null
  nonce: string
  signature: string | null
}
export interface AuditTables {
  security_audit: Columns & { user_id: string }
  security_audit_actions: Columns
  security_audit_pending: { id: string; mark: string; digest: string }
  security_audit_leaves: { n: number; id: string; mark: string; digest: string; hash: string }
  security_audit_nodes: { last: number; level: number; hash: string }
  security_audit_head: { name: string; size: number; peaks: string; holder: string; lease_until: number }
}
