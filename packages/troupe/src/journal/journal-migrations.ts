/**
 * The schema of this module. The keys of tables of a user begin with the user; rows that are searched over all users
 * have a row without content in a work table.
 */
import { type Migration, postgresTables, workTable } from '../storage/index.ts'
import { rateLimitSchema } from './rate-limits/rate-limit-tables.ts'
import { requestsSchema } from './requests/request-statements.ts'

const sqlite = [
  // A row per journal, which outlives its records. A cancel takes the right to write from the epoch `fenced`; the writer of
  // that epoch may still record results of effects.
  `create table journals (
    user_id text not null, journal_id text not null, kind text not null, head integer not null, epoch integer not null,
    owner text not null, fenced integer, bytes integer not null, closed_at integer,
    primary key (user_id, journal_id)) without rowid`,
  // `version` is the form of the body, and 0 for a take-over, which readers never get. `blob` replaces a large body.
  `create table journal_records (
    user_id text not null, journal_id text not null, seq integer not null, at integer not null, version integer not null,
    body text, blob text, primary key (user_id, journal_id, seq)) without rowid`,
  `create table journal_snapshots (
    user_id text not null, journal_id text not null, seq integer not null, version integer not null, state text, blob text,
    primary key (user_id, journal_id)) without rowid`,
  // Content-free: one row for each run that has not ended, and for each other journal with an inbox. `owner` is the process
  // that owns the run, or empty. A put increments `arrivals`, sets `woken` and returns the owner. For a run without an owner,
  // `due_at` is the time in ms since 1970 from which a process may claim it; null while it waits. `form` is the newest version
  // of records in the journals of the run; a process that reads only older versions does not claim it. `shard` is derived
  // from the user, and is the first column of indices for the search of work without an owner.
  `create table work (
    shard smallint not null, user_id text not null, journal_id text not null, owner text not null, due_at integer,
    woken integer not null, arrivals integer not null, form integer not null,
    primary key (user_id, journal_id)) without rowid`,
  'create index work_woken on work (owner, shard, user_id, journal_id) where woken = 1',
  "create index work_due on work (shard, user_id, due_at, journal_id) where owner = '' and due_at is not null",
  "create index work_owned on work (owner, user_id, journal_id) where owner <> ''",
  // A row for each process that executes work on a shared storage, with the end of its lease.
  'create table processes (process_id text primary key, lease_until bigint not null)',
  // The id is the number of the arrival in its row of `work`. It is not reused after the inbox was empty.
  `create table inbox (
    user_id text not null, journal_id text not null, id integer not null, from_id text not null, name text not null,
    body text not null, primary key (user_id, journal_id, id)) without rowid`,
  'create unique index inbox_once on inbox (user_id, journal_id, from_id, name)',
  // `work_journal` is the journal whose row of `work` counts the arrival.
  `create table timers (
    user_id text not null, timer_id text not null, journal_id text not null, work_journal text not null,
    name text not null, due integer not null, body text not null, primary key (user_id, timer_id)) without rowid`,
  // The cleanup removes the timers of each journal that it removes.
  'create index timers_of_journal on timers (user_id, journal_id)',
  `create table timers_due (
    user_id text not null, timer_id text not null, due integer not null, primary key (user_id, timer_id)) without rowid`,
  'create index timers_due_order on timers_due (due)',
  `create table uncertain_effects (
    user_id text not null, journal_id text not null, call text not null, effect text not null, since integer not null,
    primary key (user_id, journal_id, call)) without rowid`,
  // `delete_at` is set for a journal whose retention differs from that of the others: each order has a separate index.
  `create table journals_ended (
    user_id text not null, journal_id text not null, at integer not null, delete_at integer,
    primary key (user_id, journal_id)) without rowid`,
  'create index journals_ended_order on journals_ended (at) where delete_at is null',
  'create index journals_ended_delete on journals_ended (delete_at) where delete_at is not null',
  ...requestsSchema,
]

/** The same tables for PostgreSQL. */
const postgres = [
  ...postgresTables(sqlite),
  ...['work', 'processes', 'timers_due', 'journals_ended'].map(workTable),
  ...rateLimitSchema.postgres,
]

/** The migrations of the tables of journals, inboxes, timers and shared rate limits. */
export const journalMigrations: readonly Migration[] = [
  {
    module: 'journal',
    version: 1,
    name: 'journals, inboxes, timers, answers to requests, shared rate limits',
    lowestReader: 1,
    up: { sqlite: [...sqlite, ...rateLimitSchema.sqlite], postgres },
  },
]
