/**
 * The schema of this room. Tables of a user begin their key with the user; what must be found over all users has a
 * content-free row in a work table beside it.
 */
import { type Migration, postgresTables, workTable } from '../storage/index.ts'
import { rateLimitSchema } from './rate-limits/rate-limit-tables.ts'
import { requestsSchema } from './requests/requests.ts'

const sqlite = [
  `create table journals (
    user_id text not null, journal_id text not null, kind text not null, head integer not null, epoch integer not null,
    owner text not null, fenced integer, bytes integer not null, closed_at integer,
    primary key (user_id, journal_id)) without rowid`,
  `create table journal_records (
    user_id text not null, journal_id text not null, seq integer not null, at integer not null, version integer not null,
    body text, blob text, primary key (user_id, journal_id, seq)) without rowid`,
  `create table journal_snapshots (
    user_id text not null, journal_id text not null, seq integer not null, version integer not null, state text, blob text,
    primary key (user_id, journal_id)) without rowid`,
  // The id is that of the arrival made just before it: never given twice, also after the inbox was empty.
  `create table inbox (
    user_id text not null, journal_id text not null, id integer not null, from_id text not null, name text not null,
    body text not null, primary key (user_id, journal_id, id)) without rowid`,
  'create unique index inbox_once on inbox (user_id, journal_id, from_id, name)',
  'create table inbox_arrivals (id integer primary key autoincrement, user_id text not null, journal_id text not null)',
  `create table timers (
    user_id text not null, timer_id text not null, journal_id text not null, name text not null, due integer not null,
    body text not null, primary key (user_id, timer_id)) without rowid`,
  `create table timers_due (
    user_id text not null, timer_id text not null, due integer not null, primary key (user_id, timer_id)) without rowid`,
  'create index timers_due_order on timers_due (due)',
  `create table uncertain_effects (
    user_id text not null, journal_id text not null, call text not null, effect text not null, since integer not null,
    primary key (user_id, journal_id, call)) without rowid`,
  // `delete_at` is set for a journal whose retention differs from that of the others: each order has an index of its own.
  `create table journals_ended (
    user_id text not null, journal_id text not null, at integer not null, delete_at integer,
    primary key (user_id, journal_id)) without rowid`,
  'create index journals_ended_order on journals_ended (at) where delete_at is null',
  'create index journals_ended_delete on journals_ended (delete_at) where delete_at is not null',
  ...requestsSchema,
]

/** The same tables in PostgreSQL's words. */
const postgres = [
  ...postgresTables(sqlite),
  ...['inbox_arrivals', 'timers_due', 'journals_ended'].map(workTable),
  // Who follows arrivals goes by their number: it is given in the order of commits, one change after the other.
  `create function inbox_arrivals_in_order() returns trigger language plpgsql set search_path from current as $$ begin
    perform pg_advisory_xact_lock(hashtextextended('inbox_arrivals', to_regclass('inbox_arrivals')::oid::bigint));
    return null;
  end $$`,
  `create trigger inbox_arrivals_in_order before insert on inbox_arrivals
    for each statement execute function inbox_arrivals_in_order()`,
  ...rateLimitSchema.postgres,
]

export const journalMigrations: readonly Migration[] = [
  {
    module: 'journal',
    version: 1,
    name: 'journals, inboxes, timers, answers to requests, shared rate limits',
    lowestReader: 1,
    up: { sqlite: [...sqlite, ...rateLimitSchema.sqlite], postgres },
  },
]
