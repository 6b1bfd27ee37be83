/**
 * The functions with which the application role extends the audit log on PostgreSQL, and deletes from it what is older
 * than the retention or of an erased user. They have the rights of the tables' owner; the role itself may only append.
 */
import {
  anyRetirable,
  incidentsMs,
  leastRetentionMs,
  leavesOfRange,
  leavesWithRecords,
  type Mark,
  recordsOfAll,
  recordsWithoutLeaf,
  retireSome,
  rowType,
} from './audit-tables.ts'

/** The tables that have rows of a user without activity. An erasure excuses a user who has rows in no other table. */
export const bookkeepingTables = ['security_audit', 'security_api_key_users', 'security_incidents']

/** One row, which the owner of the tables alone can change. */
export const retentionTable = 'security_audit_retention'

const numbered: Mark = (n, type) => `$${n}::${type}`
const definer = 'security definer set search_path from current'
const dayMs = 86_400_000

export const retention = [
  `create table ${retentionTable} (least_ms bigint not null, retention_ms bigint not null)`,
  `insert into ${retentionTable} (least_ms, retention_ms) values (${leastRetentionMs}, ${365 * dayMs})`,
]

/** Only this function gives an appended record its place in the tree, and no lease of it is longer than 10 s. */
const growing = [
  `create function troupe_audit_grow(old_size bigint, new_peaks text, by_holder text, new_leaves text, new_nodes text,
    sequenced text) returns setof bigint language plpgsql ${definer} as $$
    declare wanted bigint := json_array_length(new_leaves::json); done bigint;
      now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000); begin
    update security_audit_head set size = old_size + wanted, peaks = new_peaks, holder = by_holder,
        lease_until = now_ms + 10000
      where name = 'head' and size = old_size and (holder = by_holder or lease_until <= now_ms);
    if not found then return; end if;
    insert into security_audit_leaves (n, id, mark, digest, hash)
      select x.n, p.id, p.mark, p.digest, x.hash from json_to_recordset(new_leaves::json) as x(n bigint, id text, hash text)
      join security_audit_pending p on p.id = x.id where x.n >= old_size and x.n < old_size + wanted;
    get diagnostics done = row_count;
    if done <> wanted then raise exception 'a leaf of the audit log has no record that waits for it'; end if;
    insert into security_audit_nodes (last, level, hash)
      select x.last, x.level, x.hash from json_to_recordset(new_nodes::json) as x(last bigint, level bigint, hash text)
      where x.last >= old_size and x.last < old_size + wanted;
    delete from security_audit_pending p where p.id in (select json_array_elements_text(sequenced::json))
      and exists (select 1 from security_audit_leaves l where l.id = p.id);
    return next old_size + wanted; end $$`,
  `create function troupe_audit_release(by_holder text) returns setof text language sql ${definer} as $$
    update security_audit_head set lease_until = 0 where holder = by_holder returning name $$`,
]

/** Over all users: records hold names, and no content. */
const reading = [
  `create function troupe_audit_leaves(bigint, bigint) returns table (n bigint, leaf text, mark text, digest text, hash text,
    ${rowType}) language sql stable ${definer} as $$ ${leavesWithRecords(numbered)} $$`,
  `create function troupe_audit_strays(text, bigint) returns table (digest text, ${rowType})
    language sql stable ${definer} as $$ ${recordsWithoutLeaf(numbered)} $$`,
  `create function troupe_audit_list(text, text, text, bigint, bigint, bigint, text, bigint) returns table (${rowType})
    language sql stable ${definer} as $$ ${recordsOfAll(numbered)} $$`,
  `create function troupe_audit_window(bigint, bigint, text) returns table (n bigint, state integer)
    language sql stable ${definer} as $$ ${leavesOfRange(numbered)} $$`,
]

const retiring = [
  // Ids begin with their time (`core/ids.ts`).
  `create function troupe_audit_id(moment bigint) returns text language sql immutable as $$
    select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((moment >> (5 * digit)) & 31)::int, 1), '' order by digit desc)
    from generate_series(0, 9) as digit $$`,
  // Whatever time a process passes, no record is deleted that is younger than the retention by the database's clock.
  `create function troupe_audit_oldest(asked text, shortest_ms bigint) returns text
    language sql volatile ${definer} as $$
    select least(asked collate "C", troupe_audit_id(floor(extract(epoch from clock_timestamp()) * 1000)::bigint
      - greatest(shortest_ms, least_ms, retention_ms)) collate "C") from ${retentionTable} $$`,
  `create function troupe_audit_retirable(before text, refused_before text) returns table (found integer)
    language plpgsql ${definer} as $$
    declare old text collate "C" := troupe_audit_oldest(before, 0);
      old_refused text collate "C" := troupe_audit_oldest(refused_before, ${incidentsMs}); begin
    return query ${anyRetirable((n) => ['', 'old', 'old_refused'][n] as string)}; end $$`,
  `create function troupe_audit_retire(before text, refused_before text, most bigint) returns bigint
    language plpgsql ${definer} as $$
    declare done bigint; old text collate "C" := troupe_audit_oldest(before, 0);
      old_refused text collate "C" := troupe_audit_oldest(refused_before, ${incidentsMs}); begin
    ${retireSome((n) => ['', 'old', 'old_refused', 'most'][n] as string)};
    get diagnostics done = row_count; return done; end $$`,
  // The hash of the subtree stays. No leaf is deleted that is too young, or whose record exists.
  `create function troupe_audit_prune(of_first bigint, of_level bigint, before text) returns bigint
    language plpgsql ${definer} as $$
    declare done bigint; behind bigint := of_first + (1::bigint << of_level::int);
      old text collate "C" := troupe_audit_oldest(before, ${incidentsMs}); begin
    if of_level < 1 or not exists (select 1 from security_audit_nodes where last = behind - 1 and level = of_level)
      or exists (select 1 from troupe_audit_window(of_first, behind, old) w where w.state <> 0) then return 0; end if;
    delete from security_audit_nodes where last >= of_first and last < behind and level < of_level;
    delete from security_audit_leaves where n >= of_first and n < behind;
    get diagnostics done = row_count; return done; end $$`,
]

/** A user's records go last: while a mark says that the user is being erased, and no table has a row of the user. */
const erasing = `create function troupe_audit_erase(of_user text, most bigint) returns setof text
  language plpgsql ${definer} as $$
  declare name text; has_rows boolean; begin
  if not exists (select 1 from security_erased_users e where e.user_id = of_user) then return; end if;
  for name in select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace
    and c.relkind = 'r' and c.relrowsecurity and c.relname not in (${bookkeepingTables.map((table) => `'${table}'`).join(', ')})
    and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped)
  loop
    execute format('select exists (select 1 from %I where user_id = $1)', name) into has_rows using of_user;
    if has_rows then return; end if;
  end loop;
  return query with gone as (
      delete from security_audit where user_id = of_user
      and id in (select a.id from security_audit a where a.user_id = of_user limit most) returning id),
    placeless as (delete from security_audit_pending p where p.id in (select g.id from gone g))
    select g.id from gone g; end $$`

const named = [
  'troupe_audit_grow(bigint, text, text, text, text, text)',
  'troupe_audit_release(text)',
  'troupe_audit_leaves(bigint, bigint)',
  'troupe_audit_strays(text, bigint)',
  'troupe_audit_list(text, text, text, bigint, bigint, bigint, text, bigint)',
  'troupe_audit_window(bigint, bigint, text)',
  'troupe_audit_oldest(text, bigint)',
  'troupe_audit_retirable(text, text)',
  'troupe_audit_retire(text, text, bigint)',
  'troupe_audit_prune(bigint, bigint, text)',
  'troupe_audit_erase(text, bigint)',
]

export const auditFunctions = [
  ...growing,
  ...reading,
  ...retiring,
  erasing,
  ...named.map((name) => `revoke execute on function ${name} from public`),
]
