/**
 * Inboxes on a storage. A put increments the number of arrivals in a content-free row of `work`. The number becomes the id of
 * the inbox row, so the order in an inbox is the order of commits of its user. The same statement returns the process that
 * owns the run, which alone gets the hint. A run that has ended has no row of `work`; rows for it are dropped.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Clock, checkPorts, decodeInTime } from '../../core/index.ts'
import { type Dialect, type Fragment, type Row, templates } from '../../storage/index.ts'
import type { Inbox, InboxRow } from '../inbox-port.ts'
import type { JournalId } from '../journal-port.ts'
import { inboxContent } from '../journal-tables.ts'
import { encodeBody } from '../journals/journal-writer.ts'
import { runPrefix, shardOf, workJournal } from '../run-journal.ts'
import { Arrivals, type ArrivalsOptions } from './arrivals.ts'

interface InboxItemKey {
  readonly user: string
  readonly to: string
  readonly from: string
  readonly name: string
}
interface Put extends InboxItemKey {
  readonly work: string
  readonly shard: number
  readonly body: string
}

/** The columns of a hint, which a statement that increments `arrivals` returns. */
export const arrivalColumns = (journal: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`work.owner, work.user_id, ${journal} as journal_id, work.arrivals`

function compileStatements(dialect: Dialect) {
  const compile = templates(dialect)
  const absent = (p: Put) => sql`not exists (select 1 from inbox
    where user_id = ${p.user} and journal_id = ${p.to} and from_id = ${p.from} and name = ${p.name})`
  const hint = (p: Put) => arrivalColumns(sql`cast(${p.to} as text)`)
  return {
    raise: compile<Put>(
      (p) => sql`update work set arrivals = arrivals + 1, woken = 1, due_at = 0
        where user_id = ${p.user} and journal_id = ${p.work} and ${absent(p)} returning ${hint(p)}`,
    ),
    /** For a journal outside runs: the first arrival creates its row. What arrives after the journal is deleted is dropped. */
    raiseOther: compile<Put>(
      (p) => sql`insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
        select ${p.shard}, ${p.user}, ${p.work}, '', null, 1, 1, 1 where ${absent(p)}
          and exists (select 1 from journals where user_id = ${p.user} and journal_id = ${p.work})
        on conflict (user_id, journal_id) do update set arrivals = work.arrivals + 1, woken = 1 returning ${hint(p)}`,
    ),
    put: compile<Put>(
      (p) => sql`insert into inbox (user_id, journal_id, id, from_id, name, body)
        select ${p.user}, ${p.to}, w.arrivals, ${p.from}, ${p.name}, ${p.body} from work w
        where w.user_id = ${p.user} and w.journal_id = ${p.work} and ${absent(p)}`,
      inboxContent('to', 'from'),
    ),
    read: compile<{ user: string; journal: string; limit: number }>(
      (p) => sql`select id, from_id, name, body from inbox
        where user_id = ${p.user} and journal_id = ${p.journal} order by id limit ${p.limit}`,
      inboxContent('journal', 'from_id'),
    ),
    arrivals: compile<{ user: string; journal: string }>(
      (p) => sql`select arrivals from work where user_id = ${p.user} and journal_id = ${p.journal}`,
    ),
    any: compile<{ user: string; journal: string }>(
      (p) => sql`select 1 as there from inbox where user_id = ${p.user} and journal_id = ${p.journal} limit 1`,
    ),
    remove: compile<{ user: string; journal: string; id: number }>(
      (p) => sql`delete from inbox where user_id = ${p.user} and journal_id = ${p.journal} and id = ${p.id}`,
    ),
    /** Rows that arrived after the read may be unread. */
    wasRead: compile<{ user: string; journal: string; read: number }>(
      (p) => sql`update work set woken = 0
        where user_id = ${p.user} and journal_id = ${p.journal} and woken = 1 and arrivals <= ${p.read}`,
    ),
    /** A journal outside runs has no unread rows if its inbox is empty. */
    wasEmptied: compile<{ user: string; journal: string }>(
      (p) => sql`update work set woken = 0 where user_id = ${p.user} and journal_id = ${p.journal} and woken = 1
        and not exists (select 1 from inbox where user_id = ${p.user} and journal_id = ${p.journal})`,
    ),
    removeNamed: compile<InboxItemKey>(
      (p) => sql`delete from inbox
        where user_id = ${p.user} and journal_id = ${p.to} and from_id = ${p.from} and name = ${p.name}`,
    ),
  }
}

async function rowsOf(found: readonly Row[] = [], clock: Clock): Promise<readonly InboxRow[]> {
  const rows: InboxRow[] = []
  for (const { id, from_id: from, name, body: text } of found) {
    const body = decodeInTime(text as string, clock)
    const row = { id: Number(id), from: from as JournalId, name: name as string }
    rows.push({ ...row, body: body instanceof Promise ? await body : body })
  }
  return rows
}

export interface InboxOptions extends ArrivalsOptions {
  readonly clock: Clock
}

/** @example const inbox = createInbox({ storage, clock }) */
export function createInbox(options: InboxOptions): Inbox {
  checkPorts('createInbox', options, ['storage', 'clock'])
  const { storage, clock } = options
  const statements = compileStatements(storage.dialect)
  const arrivals = new Arrivals(options)
  /** A step shares the row of work with its run, so a read of its inbox does not reset the row. */
  const wasRead = (user: string, journal: JournalId) => {
    if (journal.startsWith(runPrefix))
      return [statements.wasRead({ user, journal, read: arrivals.readUpTo(user, journal) })]
    return workJournal(journal) === journal ? [statements.wasEmptied({ user, journal })] : []
  }
  return {
    put(user, to, from, name, body): Fragment {
      const work = workJournal(to)
      const { text } = encodeBody(body, `The message of ${from} to the inbox of ${to}`)
      const row = { user, to, work, shard: shardOf(user), from, name, body: text }
      const raise = work.startsWith(runPrefix) ? statements.raise : statements.raiseOther
      return { statements: [raise(row, { returns: true, hints: true }), statements.put(row)] }
    },
    async read(user, journal, limit): Promise<readonly InboxRow[]> {
      const rows = statements.read({ user, journal, limit }, { returns: true })
      if (!journal.startsWith(runPrefix)) return rowsOf((await storage.read({ user }, [rows]))[0], clock)
      const count = statements.arrivals({ user, journal }, { returns: true })
      const [found = [], counts = []] = await storage.read({ user }, [rows, count])
      if (counts[0]) arrivals.wasRead(user, journal, Number(counts[0].arrivals))
      return rowsOf(found, clock)
    },
    withdraw(user, to, from, name): Fragment {
      return { statements: [statements.removeNamed({ user, to, from, name })] }
    },
    empty: (user, journal) =>
      statements.any({ user, journal }, { expect: { rows: 0 }, otherwise: 'inbox.pending', detail: { journal } }),
    remove: (user, journal, ids): Fragment => ({
      statements: [
        ...ids.map((id) =>
          statements.remove({ user, journal, id }, { expect: { rows: 1 }, detail: { journal, inbox: id } }),
        ),
        ...wasRead(user, journal),
      ],
    }),
    onArrival: (listener) => arrivals.on(listener),
    missed: arrivals.missed,
  }
}
