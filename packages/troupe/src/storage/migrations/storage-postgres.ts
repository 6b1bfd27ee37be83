/**
 * Storage's own tables on PostgreSQL, and the functions that its adapter calls. Failed expectations raise errors inside
 * the database, because a change and its COMMIT are sent together.
 *
 * Functions that read across all users belong to the migrating role, run as it, and return no content.
 */

import { restoredTable } from '../restoration.ts'
import { postgresTables, workTable } from './migration.ts'

const tables = postgresTables([
  'create table storage_settings (name text primary key, value bytea not null)',
  "insert into storage_settings (name, value) values ('secret', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))",
  `create table storage_changes (
    id text not null, user_id text not null, at integer not null, revision integer, primary key (user_id, id))`,
  'create index storage_changes_at on storage_changes (at)',
  // A change of the work tables has no user.
  `create policy of_work on storage_changes
    using (user_id = '' and coalesce(current_setting('troupe.user', true), '') = '')`,
  `create table storage_revisions (
    user_id text primary key, revision integer not null, horizon integer not null, at integer not null)`,
  `create table storage_feed (
    n integer generated always as identity primary key, user_id text not null, revision integer not null,
    ordinal integer not null, at integer not null, kind text not null, key text not null, data text not null)`,
  'create unique index storage_feed_revision on storage_feed (user_id, revision, ordinal)',
  `create table storage_blobs (
    user_id text not null, hash text not null, bytes integer not null, content text not null, primary key (user_id, hash))`,
  `create table storage_blob_owners (
    user_id text not null, owner text not null, hash text not null, due_at integer, unused integer not null,
    primary key (user_id, owner, hash))`,
  'create index storage_blob_owners_hash on storage_blob_owners (user_id, hash)',
  'create index storage_blob_owners_due on storage_blob_owners (user_id, due_at) where due_at is not null',
  'create table storage_blob_lookups (user_id text primary key, due_at integer not null)',
  workTable('storage_blob_lookups'),
  'create index storage_blob_lookups_due on storage_blob_lookups (due_at)',
  restoredTable,
  // Every change that wakes a queue raises this sequence. A process that sees a rise without a notification polls the
  // queues.
  'create sequence storage_wakes',
])

const judging = [
  `create function troupe_expect(counted bigint, low bigint, high bigint, statement bigint, kept boolean) returns bigint
  language plpgsql set search_path from current as $$ begin
    if counted < low or counted > high then
      raise exception using errcode = 'TR001', message = statement || ' ' || counted;
    end if;
    if kept then perform set_config('troupe.count_' || statement, counted::text, true); end if;
    return counted;
  end $$`,
  `create function troupe_same(counted bigint, other bigint, statement bigint) returns bigint
  language plpgsql set search_path from current as $$ begin
    if counted <> current_setting('troupe.count_' || other)::bigint then
      raise exception using errcode = 'TR001', message = statement || ' ' || counted;
    end if;
    return counted;
  end $$`,
  // For a change with feed items `troupe_append_feed` writes the row with its revision: a second write cost 10 % of a
  // change.
  `create function troupe_begin(change text, of_user text, moment bigint, wakes boolean, tells boolean) returns void
  language plpgsql set search_path from current as $$ begin
    if change <> '' and tells then
      if exists (select from storage_changes c where c.user_id = of_user and c.id = change) then
        raise exception using errcode = 'TR002', message = 'repeated';
      end if;
    elsif change <> '' then
      insert into storage_changes (id, user_id, at) values (change, of_user, moment) on conflict do nothing;
      if not found then raise exception using errcode = 'TR002', message = 'repeated'; end if;
    end if;
    if wakes then perform nextval('storage_wakes'); end if;
  end $$`,
  `create function troupe_append_feed(change text, of_user text, moment bigint, kinds text[], keys text[], datas text[])
  returns bigint language plpgsql set search_path from current as $$ declare raised bigint; begin
    insert into storage_revisions as r (user_id, revision, horizon, at) values (of_user, 1, 0, moment)
      on conflict (user_id) do update set revision = r.revision + 1, at = excluded.at returning r.revision into raised;
    insert into storage_feed (user_id, revision, ordinal, at, kind, key, data)
      select of_user, raised, i.ordinal - 1, moment, i.kind, i.key, i.data
      from unnest(kinds, keys, datas) with ordinality as i(kind, key, data, ordinal);
    if change <> '' then
      insert into storage_changes (id, user_id, at, revision) values (change, of_user, moment, raised);
    end if;
    return raised;
  end $$`,
]

const overAll = [
  // The result is paged, so that no user is left out, however many users there are.
  `create function troupe_changed(since bigint, after text, most bigint) returns table (user_id text, revision bigint)
  language sql stable security definer set search_path from current as $$
    select r.user_id, r.revision from storage_revisions r
      where r.at >= since and r.user_id collate "C" > after order by r.user_id collate "C" limit most $$`,
  `create function troupe_sizes() returns table (name text, count bigint)
  language plpgsql stable security definer set search_path from current as $$ begin
    for name in select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' loop
      execute format('select count(*) from %I', name) into count;
      return next;
    end loop;
  end $$`,
  `create function troupe_cleanup(ids_before bigint, feed_before bigint, retained_revisions bigint, most bigint) returns bigint
  language plpgsql security definer set search_path from current as $$
  declare done bigint; total bigint := 0; last bigint; long_user text; new_horizon bigint; begin
    delete from storage_changes where (user_id, id) in
      (select c.user_id, c.id from storage_changes c where c.at < ids_before order by c.at limit most);
    get diagnostics done = row_count;
    total := total + done;
    select max(o.n) into last from (select f.n, f.at from storage_feed f order by f.n limit most) o where o.at < feed_before;
    update storage_revisions r set horizon = greatest(r.horizon, f.top) from (
      select g.user_id, max(g.revision) as top from storage_feed g where g.n <= last group by g.user_id) f
      where r.user_id = f.user_id;
    delete from storage_feed where n <= last;
    get diagnostics done = row_count;
    total := total + done;
    select s.user_id, least(s.horizon + most, s.revision - retained_revisions) into long_user, new_horizon
      from storage_revisions s where s.revision - s.horizon > retained_revisions * 1.25 limit 1;
    if found then
      update storage_revisions set horizon = greatest(horizon, new_horizon) where user_id = long_user;
      delete from storage_feed where user_id = long_user and revision <= new_horizon;
      get diagnostics done = row_count;
      total := total + done + 1;
    end if;
    return total;
  end $$`,
  ...['troupe_changed(bigint, text, bigint)', 'troupe_sizes()', 'troupe_cleanup(bigint, bigint, bigint, bigint)'].map(
    (name) => `revoke execute on function ${name} from public`,
  ),
]

export const storagePostgres: readonly string[] = [...tables, ...judging, ...overAll]
