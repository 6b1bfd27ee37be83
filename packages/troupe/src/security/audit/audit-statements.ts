/** The statements of the audit log, in the words of both engines. */
import { sql } from 'kysely'
import { type Bind, type Dialect, type Row, type Statement, statementOf, templates } from '../../storage/index.ts'
import type { StoredRecord } from './audit-record.ts'
import {
  anyRetirable,
  leavesOfRange,
  leavesWithRecords,
  recordsOfAll,
  recordsWithoutLeaf,
  retireSome,
  stored,
} from './schema/audit-tables.ts'

export interface ListFilter {
  readonly user: string | undefined
  readonly actor: string | undefined
  readonly operation: string | undefined
  readonly resource: string | undefined
  readonly allowed: boolean | undefined
  /** ms since 1970; `to` is not part of it. */
  readonly from: number | undefined
  readonly to: number | undefined
  /** Only records that are older than this id. */
  readonly before: string | undefined
  readonly limit: number
}

export interface NewLeaf {
  readonly n: number
  readonly id: string
  readonly mark: string
  readonly digest: string
  readonly hash: string
}
export interface NewNode {
  readonly last: number
  readonly level: number
  readonly hash: string
}

export type AuditStatements = ReturnType<typeof auditStatements>

export function auditStatements(dialect: Dialect) {
  return { ...recording(dialect), ...growing(dialect), ...proving(dialect), ...overAll(dialect) }
}

function recording(dialect: Dialect) {
  type Stored = StoredRecord & { [name: string]: Bind }
  const compile = templates(dialect)
  const columns = sql.raw(stored)
  const values = (p: Stored) => sql`${p.id}, ${p.at}, ${p.actor}, ${p.key}, ${p.operation},
    ${p.resource}, ${p.allowed}, ${p.reason}, ${p.nonce}, ${p.signature}`
  const record = compile<Stored>(
    (p) => sql`insert into security_audit (user_id, ${columns}) values (${p.user}, ${values(p)})`,
  )
  const systemRecord = compile<Stored>(
    (p) => sql`insert into security_audit_actions (${columns}) values (${values(p)})`,
  )
  const dropPending = compile<{ mark: string }>((p) => sql`delete from security_audit_pending where mark = ${p.mark}`)
  return {
    record: (of: StoredRecord) => (of.user === '' ? systemRecord : record)(of as Stored),
    pending: compile<{ id: string; mark: string; digest: string }>(
      (p) => sql`insert into security_audit_pending (id, mark, digest) values (${p.id}, ${p.mark}, ${p.digest})`,
    ),
    /** On PostgreSQL the function that erases the records does it. */
    dropPending: (values: { mark: string }): readonly Statement[] =>
      dialect.name === 'sqlite' ? [dropPending(values)] : [],
    listOf: (user: string, filter: ListFilter): Statement => listOf(dialect, user, filter),
  }
}

function listOf(dialect: Dialect, user: string, filter: ListFilter): Statement {
  const where = [sql`user_id = ${user}`]
  for (const column of ['actor', 'operation', 'resource'] as const)
    if (filter[column] !== undefined) where.push(sql`${sql.ref(column)} = ${filter[column]}`)
  if (filter.allowed !== undefined) where.push(sql`allowed = ${filter.allowed ? 1 : 0}`)
  if (filter.from !== undefined) where.push(sql`at >= ${filter.from}`)
  if (filter.to !== undefined) where.push(sql`at < ${filter.to}`)
  if (filter.before !== undefined) where.push(sql`id < ${filter.before}`)
  const query = sql`select * from security_audit where ${sql.join(where, sql` and `)} order by id desc limit ${filter.limit}`
  return statementOf(dialect, query)
}

/** A batch of leaves. It succeeds if the tree still has the old size, and no other process extends it. */
interface TreeGrowth {
  readonly old: number
  readonly size: number
  readonly peaks: string
  readonly holder: string
  readonly leaves: readonly NewLeaf[]
  readonly nodes: readonly NewNode[]
  /** The ids of the records that have their leaf now. */
  readonly sequenced: readonly string[]
}

const leaseMs = 10_000

/** Rows of a JSON text; numbers are unquoted in it. */
function insertRows<Inserted>(table: string, columns: readonly (keyof Inserted & string)[]) {
  const values = columns.map((name) => `value ->> '$.${name}'`).join(', ')
  const sql = `insert into ${table} (${columns.join(', ')}) select ${values} from json_each(?1) where true`
  return (list: readonly Inserted[]): Statement => ({
    sql,
    binds: [JSON.stringify(list)],
    expect: { rows: list.length },
  })
}

/** The statements with which the holder of the head extends the tree. */
function growing(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    ...(dialect.name === 'sqlite' ? growingDirectly(dialect) : growingByFunction),
    head: compile<Record<never, never>>(() => sql`select * from security_audit_head`),
    /** `leaf` is null where the record has no place yet. */
    waiting: compile<{ limit: number }>(
      (p) => sql`select p.id, p.mark, p.digest, l.n as leaf from security_audit_pending p
        left join security_audit_leaves l on l.id = p.id order by p.id limit ${p.limit}`,
    ),
  }
}

function growingDirectly(dialect: Dialect) {
  const compile = templates(dialect)
  const leaves = insertRows<NewLeaf>('security_audit_leaves', ['n', 'id', 'mark', 'digest', 'hash'])
  const nodes = insertRows<NewNode>('security_audit_nodes', ['last', 'level', 'hash'])
  const advance = compile<{ old: number; size: number; peaks: string; holder: string } & LeaseTimes>(
    (p) => sql`update security_audit_head
      set size = ${p.size}, peaks = ${p.peaks}, holder = ${p.holder}, lease_until = ${p.until}
      where name = 'head' and size = ${p.old} and (holder = ${p.holder} or lease_until <= ${p.now})`,
  )
  const times: LeaseTimes = { now: { $: 'now' }, until: { $: 'now', plusMs: leaseMs } }
  return {
    grow: ({ leaves: newLeaves, nodes: newNodes, sequenced, ...head }: TreeGrowth): readonly Statement[] => [
      advance({ ...head, ...times }, { expect: { rows: 1 } }),
      {
        sql: 'delete from security_audit_pending where id in (select value from json_each(?1))',
        binds: [JSON.stringify(sequenced)],
        expect: { rows: sequenced.length },
      },
      leaves(newLeaves),
      ...(newNodes.length > 0 ? [nodes(newNodes)] : []),
    ],
    /** Releases the lease, so that the next process need not wait for its end. */
    release: compile<{ holder: string }>(
      (p) => sql`update security_audit_head set lease_until = 0 where holder = ${p.holder}`,
    ),
  }
}
type LeaseTimes = { readonly now: Bind; readonly until: Bind }

/** The application role cannot change the tree itself. */
const growingByFunction = {
  grow: ({ old, peaks, holder, leaves, nodes, sequenced }: TreeGrowth): readonly Statement[] => [
    {
      sql: 'select * from troupe_audit_grow($1, $2, $3, $4, $5, $6)',
      binds: [
        old,
        peaks,
        holder,
        JSON.stringify(leaves.map(({ n, id, hash }) => ({ n, id, hash }))),
        JSON.stringify(nodes),
        JSON.stringify(sequenced),
      ],
      expect: { rows: 1 },
      returns: true,
    },
  ],
  release: ({ holder }: { readonly holder: string }): Statement => ({
    sql: 'select * from troupe_audit_release($1)',
    binds: [holder],
    returns: true,
  }),
}

function proving(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    leafOf: compile<{ id: string }>((p) => sql`select * from security_audit_leaves where id = ${p.id}`),
    leafAt: compile<{ n: number }>((p) => sql`select hash from security_audit_leaves where n = ${p.n}`),
    /** The first from a number on. */
    firstLeaf: compile<{ from: number }>(
      (p) => sql`select n from security_audit_leaves where n >= ${p.from} order by n limit 1`,
    ),
    /** The leaves of records of the troupe as a whole. */
    systemLeaves: compile<{ size: number }>(
      (p) => sql`select n from security_audit_leaves where n < ${p.size} and mark = '' order by n`,
    ),
    nodeAt: compile<{ last: number; level: number }>(
      (p) => sql`select hash from security_audit_nodes where last = ${p.last} and level = ${p.level}`,
    ),
    nodesBetween: compile<{ from: number; to: number }>(
      (p) => sql`select * from security_audit_nodes where last >= ${p.from} and last <= ${p.to} order by last, level`,
    ),
  }
}

/** On PostgreSQL users are hidden from each other, so functions of the tables' owner read over all of them. */
function overAll(dialect: Dialect) {
  const either = (own: (mark: (n: number) => string) => string, name: string, count: number) => {
    const marks = Array.from({ length: count }, (_, i) => `$${i + 1}`)
    const sql = dialect.name === 'sqlite' ? own((n) => `?${n}`) : `select * from ${name}(${marks.join(', ')})`
    return (...binds: readonly Bind[]): Statement => ({ sql, binds, returns: true })
  }
  const list = either(recordsOfAll, 'troupe_audit_list', 8)
  const retireRecords =
    dialect.name === 'sqlite' ? retireSome((n) => `?${n}`) : 'select troupe_audit_retire($1, $2, $3) as done'
  return {
    leavesFrom: either(leavesWithRecords, 'troupe_audit_leaves', 2),
    retirable: either(anyRetirable, 'troupe_audit_retirable', 2),
    strays: either(recordsWithoutLeaf, 'troupe_audit_strays', 2),
    leavesOfWindow: either(leavesOfRange, 'troupe_audit_window', 3),
    /** All below the root of a complete subtree. */
    prune: (first: number, level: number, before: string): readonly Statement[] =>
      dialect.name === 'sqlite'
        ? [
            {
              sql: 'delete from security_audit_nodes where last >= ?1 and last < ?2 and level < ?3',
              binds: [first, first + 2 ** level, level],
            },
            {
              sql: 'delete from security_audit_leaves where n >= ?1 and n < ?2',
              binds: [first, first + 2 ** level],
            },
          ]
        : [{ sql: 'select troupe_audit_prune($1, $2, $3)', binds: [first, level, before], returns: true }],
    listOfAll: ({ actor, operation, resource, allowed, from, to, before, limit }: ListFilter): Statement =>
      list(
        actor ?? null,
        operation ?? null,
        resource ?? null,
        allowed === undefined ? null : allowed ? 1 : 0,
        from ?? null,
        to ?? null,
        before ?? null,
        limit,
      ),
    retireRecords: (before: string, incidentsBefore: string, limit: number): Statement => ({
      sql: retireRecords,
      binds: [before, incidentsBefore, limit],
      ...(dialect.name === 'sqlite' ? {} : { returns: true }),
    }),
  }
}

/** @returns undefined where the row holds no record */
export function toStored(row: Row): StoredRecord | undefined {
  if (typeof row.id !== 'string') return undefined
  const text = (value: Row[string] | undefined) => (value === null || value === undefined ? null : String(value))
  return {
    user: String(row.user_id ?? ''),
    id: row.id,
    at: Number(row.at),
    actor: String(row.actor),
    key: text(row.key_id),
    operation: String(row.operation),
    resource: text(row.resource),
    allowed: Number(row.allowed) === 1 ? 1 : 0,
    reason: text(row.reason),
    nonce: String(row.nonce),
    signature: text(row.signature),
  }
}
