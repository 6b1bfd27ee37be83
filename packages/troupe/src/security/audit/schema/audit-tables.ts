/**
 * The tables of the audit log. Records belong to their user; records of the troupe itself have their own table. The tree and the
 * records without a leaf are work tables: hashes, ids, and marks of users.
 */
/** The shortest retention of rejections: one day. */
export const incidentsMs = 86_400_000
/** The shortest retention of records: one hour. */
export const leastRetentionMs = 3_600_000

const columns = `id text not null, at integer not null, actor text not null, key_id text, operation text not null,
  resource text, allowed integer not null, reason text, nonce text not null, signature text`

export const auditTables = [
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
export type Mark = (n: number, type: string) => string

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

/** The columns of a record besides its user. */
export const stored = 'id, at, actor, key_id, operation, resource, allowed, reason, nonce, signature'
const everything = `select user_id, ${stored} from security_audit
   union all select '' as user_id, ${stored} from security_audit_actions`

export const rowType = `user_id text, id text, at bigint, actor text, key_id text, operation text, resource text, allowed bigint,
  reason text, nonce text, signature text`
