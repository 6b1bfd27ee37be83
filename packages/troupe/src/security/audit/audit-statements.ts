/** The statements of the audit log, in the words of both engines. */
import type { Kysely } from 'kysely'
import { type Bind, type Dialect, type Row, type Statement, template } from '../../storage/index.ts'
import type { StoredRecord } from './audit-record.ts'
import {
  type AuditTables,
  anyRetirable,
  leavesOfRange,
  leavesWithRecords,
  recordsOfAll,
  recordsWithoutLeaf,
  retireSome,
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
  const values = (p: StoredRecord) => ({
    id: p.id,
    at: p.at,
    actor: p.actor,
    key_id: p.key,
    operation: p.operation,
    resource: p.resource,
    allowed: p.allowed,
    reason: p.reason,
    nonce: p.nonce,
    signature: p.signature,
  })
  const record = template<AuditTables, Stored>(dialect, (db, p) =>
    db.insertInto('security_audit').values({ user_id: p.user, ...values(p) }),
  )
  const systemRecord = template<AuditTables, Stored>(dialect, (db, p) =>
    db.insertInto('security_audit_actions').values(values(p)),
  )
  const pending = template<AuditTables, { id: string; mark: string; digest: string }>(dialect, (db, p) =>
    db.insertInto('security_audit_pending').values({ id: p.id, mark: p.mark, digest: p.digest }),
  )
  const dropPending = template<AuditTables, { mark: string }>(dialect, (db, p) =>
    db.deleteFrom('security_audit_pending').where('mark', '=', p.mark),
  )
  return {
    record: (stored: StoredRecord) => (stored.user === '' ? systemRecord : record)(stored as Stored),
    pending,
    /** On PostgreSQL the function that erases the records does it. */
    dropPending: (values: { mark: string }): readonly Statement[] =>
      dialect.name === 'sqlite' ? [dropPending(values)] : [],
    listOf: (user: string, filter: ListFilter): Statement => listOf(dialect.builder<AuditTables>(), user, filter),
  }
}

function listOf(db: Kysely<AuditTables>, user: string, filter: ListFilter): Statement {
  let query = db.selectFrom('security_audit').selectAll().where('user_id', '=', user)
  for (const column of ['actor', 'operation', 'resource'] as const)
    if (filter[column] !== undefined) query = query.where(column, '=', filter[column])
  if (filter.allowed !== undefined) query = query.where('allowed', '=', filter.allowed ? 1 : 0)
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('at', '<', filter.to)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  const { sql, parameters } = query.orderBy('id', 'desc').limit(filter.limit).compile()
  return { sql, binds: parameters as readonly Bind[], returns: true }
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
  return {
    ...(dialect.name === 'sqlite' ? growingDirectly(dialect) : growingByFunction),
    head: template<AuditTables, Record<never, never>>(dialect, (db) =>
      db.selectFrom('security_audit_head').selectAll(),
    ),
    /** `leaf` is null where the record has no place yet. */
    waiting: template<AuditTables, { limit: number }>(dialect, (db, p) =>
      db
        .selectFrom('security_audit_pending as p')
        .leftJoin('security_audit_leaves as l', 'l.id', 'p.id')
        .select(['p.id', 'p.mark', 'p.digest', 'l.n as leaf'])
        .orderBy('p.id')
        .limit(p.limit),
    ),
  }
}

function growingDirectly(dialect: Dialect) {
  const leaves = insertRows<NewLeaf>('security_audit_leaves', ['n', 'id', 'mark', 'digest', 'hash'])
  const nodes = insertRows<NewNode>('security_audit_nodes', ['last', 'level', 'hash'])
  const advance = template<AuditTables, { old: number; size: number; peaks: string; holder: string } & LeaseTimes>(
    dialect,
    (db, p) =>
      db
        .updateTable('security_audit_head')
        .set({ size: p.size, peaks: p.peaks, holder: p.holder, lease_until: p.until as number })
        .where('name', '=', 'head')
        .where('size', '=', p.old)
        .where((where) => where.or([where('holder', '=', p.holder), where('lease_until', '<=', p.now as number)])),
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
    release: template<AuditTables, { holder: string }>(dialect, (db, p) =>
      db.updateTable('security_audit_head').set({ lease_until: 0 }).where('holder', '=', p.holder),
    ),
  }
}
type LeaseTimes = { readonly now: Bind & {}; readonly until: Bind & {} }

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
  return {
    leafOf: template<AuditTables, { id: string }>(dialect, (db, p) =>
      db.selectFrom('security_audit_leaves').selectAll().where('id', '=', p.id),
    ),
    leafAt: template<AuditTables, { n: number }>(dialect, (db, p) =>
      db.selectFrom('security_audit_leaves').select('hash').where('n', '=', p.n),
    ),
    /** The first from a number on. */
    firstLeaf: template<AuditTables, { from: number }>(dialect, (db, p) =>
      db.selectFrom('security_audit_leaves').select('n').where('n', '>=', p.from).orderBy('n').limit(1),
    ),
    /** The leaves of records of the troupe as a whole. */
    systemLeaves: template<AuditTables, { size: number }>(dialect, (db, p) =>
      db.selectFrom('security_audit_leaves').select('n').where('n', '<', p.size).where('mark', '=', '').orderBy('n'),
    ),
    nodeAt: template<AuditTables, { last: number; level: number }>(dialect, (db, p) =>
      db.selectFrom('security_audit_nodes').select('hash').where('last', '=', p.last).where('level', '=', p.level),
    ),
    nodesBetween: template<AuditTables, { from: number; to: number }>(dialect, (db, p) =>
      db
        .selectFrom('security_audit_nodes')
        .selectAll()
        .where('last', '>=', p.from)
        .where('last', '<=', p.to)
        .orderBy('last')
        .orderBy('level'),
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
