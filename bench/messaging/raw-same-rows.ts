/**
 * The same rows by hand, in node:sqlite: the tables and indexes are those of a Troupe database, the values those of a
 * message that went through one, and everything that it leaves is written: its mailbox and lane, its record in the audit
 * log with leaf and nodes, and the removal of what is done beyond the latest 500. Statements are as short as they can be
 * for somebody who knows that nobody else is there, and `group` messages share each transaction.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { createTroupe, defineMessage, type Json } from 'troupe'
import { openRawSql, type Raw } from './raw.ts'

type Row = Record<string, SQLInputValue>
const tables = ['messages', 'mailboxes', 'mailbox_lanes', 'security_audit', 'security_audit_pending'] as const
const treeTables = ['security_audit_leaves', 'security_audit_nodes'] as const

/** What one message leaves in a new database of Troupe. */
export interface StoredShape {
  readonly schema: readonly string[]
  readonly rows: ReadonlyMap<(typeof tables)[number], Row>
}

/** Sends one message like those of the bench into the file, takes it, and reads what is there then. */
export async function storedShapeOf(file: string, payload: Json): Promise<StoredShape> {
  await using troupe = await createTroupe({ storage: `sqlite:${file}`, log: 'silent' })
  const ada = troupe.user('ada')
  await ada.agent('Sender 0').messages.send(defineMessage('bench.note'), payload, { to: 'Box' })
  await ada.agent('Box').mailbox.receive({ max: 1 })
  const db = new DatabaseSync(file, { readOnly: true })
  const named = [...tables, ...treeTables].map((name) => `'${name}'`).join(', ')
  const schema = db.prepare(`select sql from sqlite_master where tbl_name in (${named}) and sql is not null`).all()
  const rows = new Map(tables.map((name) => [name, db.prepare(`select * from ${name}`).get() as Row]))
  db.close()
  for (const [name, row] of rows) if (!row) throw new Error(`a message left no row in ${name}`)
  return { schema: schema.map(({ sql }) => String(sql)), rows }
}

export interface SameRowsOptions {
  /** Messages that share each durable transaction. */
  readonly group: number
  readonly storedShape: StoredShape
}

export function openSameRows(path: string, { group, storedShape }: SameRowsOptions): Raw {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16384')
  for (const sql of storedShape.schema) db.exec(sql)
  const rows = sameRows(db, storedShape)
  const tree = sameTree(db)
  const grouped = <T>(run: (i: number) => T, times: number): T[] => {
    db.exec('begin immediate')
    const results = Array.from({ length: times }, (_, i) => run(i))
    db.exec('commit')
    return results
  }
  let rounds = 0
  const round = () => {
    grouped((i) => rows.send(`normal:Sender ${i}`), group)
    const leasedRows = grouped(() => rows.take(), group)
    grouped((i) => rows.end(leasedRows[i] as Row), group)
    if (++rounds % 8 !== 0) return
    grouped(() => tree.grow(), 1)
    grouped(() => rows.cleanup(Math.max(...leasedRows.map(({ seq }) => Number(seq)))), 1)
  }
  return openRawSql(db, {
    group,
    put: (times) => grouped((i) => rows.send(`normal:Sender ${i % group}`), times),
    round,
  })
}

/** The steps of one message. Each is what is left of ours when nobody else writes and nothing can go wrong. */
function sameRows(db: DatabaseSync, { rows }: StoredShape) {
  const likeOf = (table: (typeof tables)[number]): Row => ({ ...rows.get(table) })
  const message: Row = { ...likeOf('messages'), attempts: 0, token: null, seq: 0 }
  const lane: Row = { ...likeOf('mailbox_lanes'), depth: 1, lease_until: 0, leased: 0, token: null }
  const [mailbox, audit, pending] = [likeOf('mailboxes'), likeOf('security_audit'), likeOf('security_audit_pending')]
  const insert = (table: string, like: Row, rest = '') =>
    db.prepare(`insert into ${table} (${Object.keys(like)}) values (${Object.keys(like).map(() => '?')}) ${rest}`)
  const box = "user_id = 'ada' and mailbox = 'Box'"
  const put = insert('messages', message)
  const count = insert(
    'mailboxes',
    mailbox,
    'on conflict do update set count = count + 1, bytes = bytes + excluded.bytes, next_seq = excluded.next_seq',
  )
  const appendToLane = insert(
    'mailbox_lanes',
    lane,
    `on conflict do update set depth = depth + 1, last_due = excluded.last_due,
      head_seq = iif(depth = 0, excluded.head_seq, head_seq), head_due = iif(depth = 0, excluded.head_due, head_due)`,
  )
  const record = insert('security_audit', audit)
  const mark = insert('security_audit_pending', pending)
  const free = db.prepare(`select lane, head_seq from mailbox_lanes where ${box} and depth > 0 and token is null
    order by head_due, head_seq limit 1`)
  const read = db.prepare(`select * from messages where ${box} and seq = ?`)
  const lease = db.prepare(`update messages set token = ?, attempts = attempts + 1 where ${box} and seq = ?`)
  const leaseLane =
    db.prepare(`update mailbox_lanes set token = ?, lease_until = ?, leased = 1, batch_end = head_seq + 1
    where ${box} and lane = ?`)
  const end = db.prepare(`update messages set state = 'done', token = null, ended_at = ?, read_at = ?
    where ${box} and seq = ? and token = ?`)
  const next = db.prepare(
    `select seq, due from messages where ${box} and lane = ? and state = 'ready' order by seq limit 1`,
  )
  const leave = db.prepare(`update mailbox_lanes set depth = depth - 1, leased = 0, token = null, lease_until = 0,
    head_seq = ?, head_due = ? where ${box} and lane = ?`)
  const less = db.prepare(`update mailboxes set count = count - 1, bytes = bytes - ? where ${box}`)
  const cleanup = db.prepare(`delete from messages where ${box} and state = 'done' and seq <= ?`)
  const run = (statement: StatementSync, row: Row) => statement.run(...Object.values(row))
  const token = String(likeOf('mailbox_lanes').token)
  const idOf = (n: number) => String(n).padStart(String(message.id).length, '0')
  let n = 0
  return {
    send(to: string): void {
      const at = Date.now()
      const id = idOf(++n)
      const due = at + 30_000
      run(
        put,
        Object.assign(message, { seq: n, id, lane: to, sender: to.slice(7), due, available_at: at, created_at: at }),
      )
      run(count, Object.assign(mailbox, { next_seq: n, last_used_at: at }))
      run(appendToLane, Object.assign(lane, { lane: to, head_seq: n, head_due: due, last_due: due }))
      run(record, Object.assign(audit, { id, at }))
      run(mark, Object.assign(pending, { id }))
    },
    take(): Row {
      const found = free.get() as Row
      const row = read.get(found.head_seq ?? null) as Row
      lease.run(token, row.seq ?? null)
      leaseLane.run(token, Date.now() + 30_000, found.lane ?? null)
      JSON.parse(String(row.payload))
      JSON.parse(String(row.envelope))
      return row
    },
    end({ seq = null, lane: from = null, bytes = null }: Row): void {
      const at = Date.now()
      end.run(at, at, seq, token)
      const head = (next.get(from) ?? { seq: 0, due: 0 }) as Row
      leave.run(head.seq ?? null, head.due ?? null, from)
      less.run(bytes)
    },
    /** Beyond the latest 500. */
    cleanup: (newest: number) => cleanup.run(newest - 500),
  }
}

/** What pending records become in the audit log's tree: a leaf each, and the nodes above them. */
function sameTree(db: DatabaseSync) {
  const hash = '0'.repeat(43)
  const leaves = db.prepare(`insert into security_audit_leaves
    select ? + row_number() over (order by id) - 1, id, mark, digest, '${hash}' from security_audit_pending order by id`)
  const node = db.prepare(`insert into security_audit_nodes values (?, ?, '${hash}')`)
  const clearPending = db.prepare('delete from security_audit_pending')
  let size = 0
  return {
    grow(): void {
      const from = size
      size += Number(leaves.run(from).changes)
      // A node stands where a whole subtree of 2^level leaves ends.
      for (let last = from; last < size; last++)
        for (let level = 1; (last + 1) % 2 ** level === 0; level++) node.run(last, level)
      clearPending.run()
    },
  }
}
