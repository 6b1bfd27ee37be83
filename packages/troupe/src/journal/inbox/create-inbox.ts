/**
 * Inboxes on a storage. Every row has a content-free arrival in a work table beside it, whose number is its id: by it
 * the listeners of this process find what came, whoever put it there.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Clock, encodeJson, type Json } from '../../core/index.ts'
import { type Dialect, type Fragment, oneOf, rawTemplates, type Storage } from '../../storage/index.ts'
import type { Inbox, InboxRow } from '../inbox-port.ts'
import type { JournalId } from '../journal-port.ts'
import { inboxContent } from '../journal-tables.ts'
import { createArrivals } from './arrivals.ts'

interface InboxItemKey {
  readonly user: string
  readonly to: string
  readonly from: string
  readonly name: string
}
interface Put extends InboxItemKey {
  readonly body: string
}

/** The number that the arrival just made was given. */
export const lastArrival = (dialect: Dialect): RawBuilder<number> =>
  dialect.name === 'sqlite'
    ? sql<number>`last_insert_rowid()`
    : sql<number>`currval(pg_get_serial_sequence('inbox_arrivals', 'id'))`

function compileStatements(dialect: Dialect) {
  const compile = rawTemplates(dialect)
  const absent = (p: Put) => sql`where not exists (select 1 from inbox
    where user_id = ${p.user} and journal_id = ${p.to} and from_id = ${p.from} and name = ${p.name})`
  return {
    arrive: compile<Put>(
      (p) => sql`insert into inbox_arrivals (user_id, journal_id) select ${p.user}, ${p.to} ${absent(p)}`,
    ),
    put: compile<Put>(
      (p) => sql`insert into inbox (user_id, journal_id, id, from_id, name, body)
        select ${p.user}, ${p.to}, ${lastArrival(dialect)}, ${p.from}, ${p.name}, ${p.body} ${absent(p)}`,
      inboxContent('to', 'from'),
    ),
    read: compile<{ user: string; journal: string; limit: number }>(
      (p) => sql`select id, from_id, name, body from inbox
        where user_id = ${p.user} and journal_id = ${p.journal} order by id limit ${p.limit}`,
      inboxContent('journal', 'from_id'),
    ),
    any: compile<{ user: string; journal: string }>(
      (p) => sql`select 1 as there from inbox where user_id = ${p.user} and journal_id = ${p.journal} limit 1`,
    ),
    remove: compile<{ user: string; journal: string; id: number }>(
      (p) => sql`delete from inbox where user_id = ${p.user} and journal_id = ${p.journal} and id = ${p.id}`,
    ),
    forgetNamed: compile<InboxItemKey>(
      (p) =>
        sql`delete from inbox_arrivals where id ${oneOf(
          dialect,
          sql`select id from inbox
          where user_id = ${p.user} and journal_id = ${p.to} and from_id = ${p.from} and name = ${p.name}`,
        )}`,
    ),
    removeNamed: compile<InboxItemKey>(
      (p) => sql`delete from inbox
        where user_id = ${p.user} and journal_id = ${p.to} and from_id = ${p.from} and name = ${p.name}`,
    ),
    forget: compile<{ id: number }>((p) => sql`delete from inbox_arrivals where id = ${p.id}`),
  }
}

/** @example const inbox = createInbox({ storage, clock }) */
export function createInbox({ storage, clock }: { readonly storage: Storage; readonly clock: Clock }): Inbox {
  const statements = compileStatements(storage.dialect)
  const arrivals = createArrivals(storage, clock)
  return {
    put(user, to, from, name, body): Fragment {
      const row = { user, to, from, name, body: encodeJson(body, `What ${from} puts into the inbox of ${to}`) }
      return {
        statements: [statements.arrive(row), statements.put(row)],
        wake: [to.startsWith('run:') ? 'runs' : 'steps'],
      }
    },
    async read(user, journal, limit): Promise<readonly InboxRow[]> {
      const [rows] = await storage.read({ user }, [statements.read({ user, journal, limit }, { returns: true })])
      return (rows ?? []).map((row) => ({
        id: Number(row.id),
        from: row.from_id as JournalId,
        name: row.name as string,
        body: JSON.parse(row.body as string) as Json,
      }))
    },
    withdraw(user, to, from, name): Fragment {
      const itemKey = { user, to, from, name }
      return { statements: [statements.forgetNamed(itemKey), statements.removeNamed(itemKey)] }
    },
    empty: (user, journal) =>
      statements.any({ user, journal }, { expect: { rows: 0 }, otherwise: 'inbox.pending', detail: { journal } }),
    remove: (user, journal, ids): Fragment => ({
      statements: ids.flatMap((id) => [
        statements.remove({ user, journal, id }, { expect: { rows: 1 }, detail: { journal, inbox: id } }),
        statements.forget({ id }),
      ]),
    }),
    onArrival: (listener) => arrivals.on(listener),
  }
}
