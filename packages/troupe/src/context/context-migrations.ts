/**
 * The tables of the context mesh: one row per entry; one row per entry and grantee in `context_visible`, so that a list reads
 * only visible entries; and in `context_history` every version that was replaced or removed.
 *
 * Triggers maintain history, visibility and counters at each write. They apply to every writer, and cost less than separate
 * statements.
 */
import { type Migration, postgresTables, workTable } from '../storage/index.ts'

const columns = `
  key text not null, version integer not null, born integer not null, change text not null, revision integer not null,
  owner text not null, audience text not null, everyone integer not null, writers text not null, lifecycle text,
  ttl_ms integer, created_at integer not null, updated_at integer not null, expires_at integer,
  value text not null, stored integer not null, metadata text, provenance text not null, taint text not null`

const old = `old.user_id, old.key, old.version, old.born, old.change, old.revision, old.owner, old.audience, old.everyone,
  old.writers, old.lifecycle, old.ttl_ms, old.created_at, old.updated_at, old.expires_at, old.value, old.stored, old.metadata,
  old.provenance, old.taint`

const show = `insert into context_visible (user_id, grantee, key)
    select new.user_id, g.value, new.key from json_each(new.audience) g where true on conflict do nothing;
  insert into context_visible (user_id, grantee, key)
    select new.user_id, '@' || new.owner, new.key where new.everyone = 0 on conflict do nothing;`

const hide = `delete from context_visible where user_id = old.user_id and key = old.key and grantee in (
    select g.value from json_each(old.audience) g union all select '@' || old.owner);`

const tables = [
  `create table context_entries (user_id text not null, ${columns}, primary key (user_id, key))`,
  'create index context_entries_expiry on context_entries (user_id, expires_at) where expires_at is not null',
  `create table context_visible (user_id text not null, grantee text not null, key text not null,
    primary key (user_id, grantee, key)) without rowid`,
  `create table context_subscriptions (user_id text not null, agent text not null, grantee text not null,
    primary key (user_id, agent, grantee)) without rowid`,
  'create index context_subscriptions_topic on context_subscriptions (user_id, grantee, agent)',
  `create table context_topics (user_id text not null, grantee text not null, subscribers_allowed text, posters_allowed text,
    primary key (user_id, grantee)) without rowid`,
  `create table context_history (user_id text not null, ${columns}, ended text not null, ended_at integer not null,
    ended_change text not null, primary key (user_id, key, version))`,
  `create table context_tombstones (user_id text not null, key text not null, version integer not null, at integer not null,
    primary key (user_id, key)) without rowid`,
  'create index context_tombstones_at on context_tombstones (user_id, at)',
  `create table context_state (user_id text not null primary key, entries integer not null, bytes integer not null,
    lowest_version integer not null) without rowid`,
  'create table context_work (user_id text not null primary key) without rowid',
]

/** Adds a version to the history at a write. Other updates do not change `change`. */
const sqliteHistory = `insert into context_history values (${old},
    case when old.expires_at <= new.updated_at then 'expired' else 'replaced' end, new.updated_at, new.change);
  update context_state set bytes = bytes + new.stored - old.stored where user_id = new.user_id and new.stored <> old.stored;`

const sqlite = [
  ...tables,
  `create trigger context_entries_inserted after insert on context_entries begin
  insert into context_state (user_id, entries, bytes, lowest_version) values (new.user_id, 1, new.stored, 0)
    on conflict (user_id) do update set entries = entries + 1, bytes = bytes + new.stored;
  ${show}
end`,
  `create trigger context_entries_updated after update of change on context_entries begin
  ${sqliteHistory}
end`,
  `create trigger context_entries_audience_changed after update on context_entries
  when old.audience <> new.audience or old.owner <> new.owner begin
  ${hide}
  ${show}
end`,
  `create trigger context_entries_deleted after delete on context_entries begin
  update context_state set entries = entries - 1, bytes = bytes - old.stored where user_id = old.user_id;
  ${hide}
end`,
]

/** The same triggers, each with a function; lists are JSON arrays. */
const each = (list: string, alias: string) => `json_array_elements_text(${list}::json) as ${alias}(value)`

const postgresShow = `insert into context_visible (user_id, grantee, key)
    select new.user_id, g.value, new.key from ${each('new.audience', 'g')} on conflict do nothing;
  insert into context_visible (user_id, grantee, key)
    select new.user_id, '@' || new.owner, new.key where new.everyone = 0 on conflict do nothing;`

const postgresHide = `delete from context_visible where user_id = old.user_id and key = old.key and grantee in (
    select g.value from ${each('old.audience', 'g')} union all select '@' || old.owner);`

const trigger = (name: string, on: string, when: string, body: string): readonly string[] => [
  `create function ${name}() returns trigger language plpgsql set search_path from current as $$ begin
  ${body}
  return null;
end $$`,
  `create trigger ${name} after ${on} on context_entries for each row ${when} execute function ${name}()`,
]

const postgres = [
  ...postgresTables(tables),
  workTable('context_work'),
  ...trigger(
    'context_entries_inserted',
    'insert',
    '',
    `insert into context_state as s (user_id, entries, bytes, lowest_version) values (new.user_id, 1, new.stored, 0)
    on conflict (user_id) do update set entries = s.entries + 1, bytes = s.bytes + new.stored;
  ${postgresShow}`,
  ),
  ...trigger(
    'context_entries_updated',
    'update of change',
    '',
    // The condition is an `if`, since a statement that finds no row takes a fifth of the time of the trigger.
    `insert into context_history values (${old},
    case when old.expires_at <= new.updated_at then 'expired' else 'replaced' end, new.updated_at, new.change);
  if new.stored <> old.stored then
    update context_state set bytes = bytes + new.stored - old.stored where user_id = new.user_id;
  end if;`,
  ),
  ...trigger(
    'context_entries_audience_changed',
    'update',
    'when (old.audience <> new.audience or old.owner <> new.owner)',
    `${postgresHide}
  ${postgresShow}`,
  ),
  ...trigger(
    'context_entries_deleted',
    'delete',
    '',
    `update context_state set entries = entries - 1, bytes = bytes - old.stored where user_id = old.user_id;
  ${postgresHide}`,
  ),
]

export const contextMigrations: readonly Migration[] = [
  {
    module: 'context',
    version: 1,
    name: 'entries, audiences, topics, history',
    lowestReader: 1,
    up: { sqlite, postgres },
  },
]
