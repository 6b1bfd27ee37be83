/** The statements of journals, compiled once per storage. */
import { sql } from 'kysely'
import { type Dialect, rowsTemplate, templates } from '../../storage/index.ts'
import { recordContent, snapshotContent } from '../journal-tables.ts'

interface Head {
  readonly user: string
  readonly id: string
}

interface Move extends Head {
  readonly from: number
  readonly to: number
  readonly epoch: number
  readonly bytes: number
}

interface Range {
  readonly user: string
  readonly from: string
  readonly to: string
}

export type JournalStatements = ReturnType<typeof journalStatements>

export const journalStatements = (dialect: Dialect) => ({
  ...writes(dialect),
  ...reads(dialect),
  ...cleanupTemplates(dialect),
})

function writes(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    create: rowsTemplate<Head & { kind: string; head: number; owner: string; bytes: number; closed: number | null }>(
      dialect,
      (rows) => sql`insert into journals (user_id, journal_id, kind, head, epoch, owner, fenced, bytes, closed_at)
        values ${sql.join(
          rows.map(
            (p) => sql`(${p.user}, ${p.id}, ${p.kind}, ${p.head}, 1, ${p.owner}, null, ${p.bytes}, ${p.closed})`,
          ),
        )} on conflict do nothing`,
      { otherwise: 'journal.lost' },
    ),
    move: compile<Move>(
      (p) => sql`update journals set head = ${p.to}, bytes = ${p.bytes}
        where user_id = ${p.user} and journal_id = ${p.id} and head = ${p.from} and epoch = ${p.epoch} and closed_at is null`,
    ),
    moveAndClose: compile<Move & { at: number }>(
      (p) => sql`update journals set head = ${p.to}, bytes = ${p.bytes}, closed_at = ${p.at}
        where user_id = ${p.user} and journal_id = ${p.id} and head = ${p.from} and epoch = ${p.epoch} and closed_at is null`,
    ),
    moveFenced: compile<Move>(
      (p) => sql`update journals set head = ${p.to}, bytes = ${p.bytes}
        where user_id = ${p.user} and journal_id = ${p.id} and head = ${p.from} and fenced = ${p.epoch}`,
    ),
    moveEnded: compile<Move>(
      (p) => sql`update journals set head = ${p.to}, bytes = ${p.bytes}
        where user_id = ${p.user} and journal_id = ${p.id} and head = ${p.from} and epoch = ${p.epoch}
          and (closed_at is not null or fenced is not null)`,
    ),
    raiseEpoch: compile<Head & { from: number; epoch: number; owner: string }>(
      (p) => sql`update journals set head = head + 1, epoch = epoch + 1, owner = ${p.owner}, fenced = null
        where user_id = ${p.user} and journal_id = ${p.id} and head = ${p.from} and epoch = ${p.epoch} and closed_at is null`,
    ),
    /** The epoch is the fencing token. The previous owner may still record results under the old epoch. */
    fence: compile<Head & { at: number }>(
      (p) => sql`insert into journals (user_id, journal_id, kind, head, epoch, owner, fenced, bytes, closed_at)
        values (${p.user}, ${p.id}, 'step', 0, 1, '', 0, 0, ${p.at})
        on conflict (user_id, journal_id) do update set fenced = coalesce(journals.fenced, journals.epoch), epoch = journals.epoch + 1`,
    ),
    records: rowsTemplate<
      Head & { seq: number; at: number; version: number; body: string | null; blob: string | null }
    >(
      dialect,
      (rows) => sql`insert into journal_records (user_id, journal_id, seq, at, version, body, blob)
        values ${sql.join(
          rows.map((p) => sql`(${p.user}, ${p.id}, ${p.seq}, ${p.at}, ${p.version}, ${p.body}, ${p.blob})`),
        )}`,
      { content: recordContent('id') },
    ),
    snapshot: compile<Head & { seq: number; version: number; state: string | null; blob: string | null }>(
      (p) => sql`insert into journal_snapshots (user_id, journal_id, seq, version, state, blob)
        values (${p.user}, ${p.id}, ${p.seq}, ${p.version}, ${p.state}, ${p.blob})
        on conflict (user_id, journal_id) do update
        set seq = excluded.seq, version = excluded.version, state = excluded.state, blob = excluded.blob`,
      snapshotContent('id'),
    ),
    close: compile<Head & { at: number }>(
      (p) => sql`update journals set closed_at = ${p.at}
        where user_id = ${p.user} and journal_id = ${p.id} and closed_at is null`,
    ),
    ended: compile<Head & { at: number; deleteAt: number | null }>(
      (p) => sql`insert into journals_ended (user_id, journal_id, at, delete_at)
        values (${p.user}, ${p.id}, ${p.at}, ${p.deleteAt}) on conflict do nothing`,
    ),
    endedIfThere: compile<Head & { at: number; deleteAt: number }>(
      (p) => sql`insert into journals_ended (user_id, journal_id, at, delete_at)
        select user_id, journal_id, cast(${p.at} as bigint), cast(${p.deleteAt} as bigint) from journals
        where user_id = ${p.user} and journal_id = ${p.id} on conflict do nothing`,
    ),
    forgetEnd: compile<Head>((p) => sql`delete from journals_ended where user_id = ${p.user} and journal_id = ${p.id}`),
  }
}

function reads(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    head: compile<Head>(
      (p) => sql`select head, epoch, owner, kind, fenced, bytes, closed_at from journals
        where user_id = ${p.user} and journal_id = ${p.id}`,
    ),
    latestSnapshot: compile<Head>(
      (p) => sql`select seq, version, state, blob from journal_snapshots
        where user_id = ${p.user} and journal_id = ${p.id}`,
      snapshotContent('id'),
    ),
    afterSnapshot: compile<Head>(
      (p) => sql`select seq, at, version, body, blob from journal_records
        where user_id = ${p.user} and journal_id = ${p.id} and version > 0 and seq > coalesce(
          (select seq from journal_snapshots where user_id = ${p.user} and journal_id = ${p.id}), 0) order by seq`,
      recordContent('id'),
    ),
    after: compile<Head & { after: number; limit: number }>(
      (p) => sql`select seq, at, version, body, blob from journal_records
        where user_id = ${p.user} and journal_id = ${p.id} and version > 0 and seq > ${p.after} order by seq limit ${p.limit}`,
      recordContent('id'),
    ),
  }
}

function cleanupTemplates(dialect: Dialect) {
  const compile = templates(dialect)
  const tables = [
    'journal_records',
    'journal_snapshots',
    'inbox',
    'work',
    'journals',
    'journals_ended',
    'uncertain_effects',
    'timers',
  ] as const
  const deleteFrom = (table: (typeof tables)[number]) =>
    compile<Head>((p) => sql`delete from ${sql.table(table)} where user_id = ${p.user} and journal_id = ${p.id}`)
  const deleteWithin = (table: (typeof tables)[number]) =>
    compile<Range>(
      (p) => sql`delete from ${sql.table(table)}
        where user_id = ${p.user} and journal_id >= ${p.from} and journal_id < ${p.to}`,
    )
  // Without the journal, a timer that comes due would create rows of `work` and `inbox` that nothing removes.
  const timersDue = compile<Head>(
    (p) => sql`delete from timers_due where user_id = ${p.user} and timer_id in
      (select timer_id from timers where user_id = ${p.user} and journal_id = ${p.id})`,
  )
  const timersDueWithin = compile<Range>(
    (p) => sql`delete from timers_due where user_id = ${p.user} and timer_id in
      (select timer_id from timers where user_id = ${p.user} and journal_id >= ${p.from} and journal_id < ${p.to})`,
  )
  return {
    /** Selects journals with the common retention, and journals with a separate time of deletion. */
    expired: compile<{ before: number; now: number; limit: number }>(
      (p) => sql`select user_id, journal_id from (
            select user_id, journal_id from journals_ended where delete_at is null and at < ${p.before} order by at limit ${p.limit}
          ) alike
          union all select user_id, journal_id from (
            select user_id, journal_id from journals_ended where delete_at is not null and delete_at <= ${p.now}
            order by delete_at limit ${p.limit}
          ) own limit ${p.limit}`,
    ),
    deletes: [timersDue, ...tables.map(deleteFrom)],
    deletesWithin: [timersDueWithin, ...tables.map(deleteWithin)],
    /** Journals of the range that hold large values. */
    large: compile<Range>(
      (p) => sql`select distinct journal_id from journal_records
        where user_id = ${p.user} and journal_id >= ${p.from} and journal_id < ${p.to} and blob is not null`,
    ),
  }
}
