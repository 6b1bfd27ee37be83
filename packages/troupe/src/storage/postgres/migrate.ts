/**
 * Migrates the schema to this release in one transaction under a lock; other processes that open the schema meanwhile
 * wait. The same transaction forces row-level security on every table with a user, except work tables. A table without
 * it is therefore never visible. If the tables have another owner since, the transaction gives that owner the policies.
 */
import type { Client } from 'pg'
import {
  type Applied,
  type AppliedSchema,
  checkNotEarlier,
  checkUsable,
  schemaTable,
  unappliedOf,
} from '../migrations/applied-migrations.ts'
import type { Migration } from '../migrations/migration.ts'
import type { ConnectionTarget } from './connections/connection-target.ts'
import { messageOf } from './error-class.ts'

/**
 * The role under which every change and read is executed. It owns no tables and cannot log in. All databases of a
 * server share it.
 */
export const applicationRole = 'troupe_app'

/** The errors of two databases of one server that alter the shared role at the same time. */
const collision = /tuple concurrently|deadlock/

/**
 * Removes the timeouts that the server, the database or the role sets from the transaction: the durations of a
 * migration, of a wait for one and of a backup are unknown. Older servers have no `transaction_timeout`.
 */
export const withoutTimeouts = `select set_config(name, '0', true) from pg_settings
  where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout')`

/**
 * Returns whether the schema needs no migration, and its owner sees all rows.
 * @throws ValidationError `storage.incompatible`, `storage.too_new`; ProcessingError `storage.corrupt` if a table is missing
 */
export async function isCurrent(
  client: Client,
  migrations: readonly Migration[],
  location: ConnectionTarget,
): Promise<boolean> {
  const schema = await appliedTo(client, location)
  checkUsable(schema, migrations, { engine: 'postgres', path: location.name })
  return unappliedOf(schema.applied, migrations).length === 0 && !(await hidesRowsFromOwner(client, location))
}

/** A condition for a table of Troupe with row-level security. */
export const withPolicies = `c.relkind = 'r' and exists (
  select from pg_policy p where p.polrelid = c.oid and p.polname = 'of_user')`
/** A condition for a table whose policy does not name its owner, which the server's administrator has changed. */
const withoutOwnerPolicy = `${withPolicies} and not exists (
  select from pg_policy p where p.polrelid = c.oid and p.polname = 'of_owner' and c.relowner = any (p.polroles))`

/** Functions that read over all users run as the owner of the tables, and would find no rows. */
async function hidesRowsFromOwner(client: Client, { schema }: ConnectionTarget): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_class c where c.relnamespace = to_regnamespace($1) and ${withoutOwnerPolicy} limit 1`,
    [schema],
  )
  return rows.length > 0
}

/**
 * @throws ValidationError `storage.incompatible`, `storage.too_new`; ProcessingError `storage.corrupt` if a table is
 * missing; the errors of the server
 */
export async function migrate(
  client: Client,
  migrations: readonly Migration[],
  location: ConnectionTarget,
  at: number,
): Promise<void> {
  await alone(client, location, () => applyMigrations(client, migrations, location, at))
}

/**
 * Runs in one transaction that excludes other migrations of the schema. The schema may be missing or have no tables.
 */
export async function alone(client: Client, { schema }: ConnectionTarget, run: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await client.query('begin')
      await client.query(withoutTimeouts)
      // The timeout ends the transaction of a stalled process, so that others can continue.
      await client.query("set local idle_in_transaction_session_timeout = '10s'")
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`troupe migrates ${schema}`])
      await run()
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback').catch(() => {})
      if (attempt === 5 || !collision.test(messageOf(error))) throw error
    }
}

/** @throws ValidationError `storage.incompatible` */
export async function appliedTo(client: Client, { schema, name }: ConnectionTarget): Promise<AppliedSchema> {
  const { rows } = await client.query<{ kind: string; name: string }>(
    `select 'table' as kind, c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind = 'r'
    union all select 'column', a.attname::text from pg_attribute a
      where a.attrelid = to_regclass($2) and a.attnum > 0 and not a.attisdropped`,
    [schema, `${schema}.${schemaTable}`],
  )
  const namesOf = (wanted: string) => rows.filter(({ kind }) => kind === wanted).map((row) => row.name)
  const tables = namesOf('table')
  if (!tables.includes(schemaTable)) return { applied: [], tables }
  checkNotEarlier(tables, name, namesOf('column'))
  // A single statement sees a single state of the schema, so that a migration of another process is complete in it or absent.
  const { rows: applied } = await client.query<Applied & { readonly tables: string }>(
    `select module, version, lowest_reader, (select string_agg(c.relname, '/') from pg_class c
      join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r') as tables
      from ${schema}.storage_schema`,
    [schema],
  )
  return { applied, tables: applied[0]?.tables.split('/') ?? tables }
}

/**
 * Applies the pending migrations. The caller's transaction must exclude other migrations. Afterwards the search path is
 * the schema.
 */
export async function applyMigrations(
  client: Client,
  migrations: readonly Migration[],
  location: ConnectionTarget,
  at: number,
): Promise<void> {
  const { schema } = location
  // IF NOT EXISTS needs the right to create schemas also if the schema exists.
  const { rows } = await client.query('select from pg_namespace where nspname = $1', [schema])
  if (rows.length === 0) await client.query(`create schema ${schema}`)
  await client.query(`set local search_path = ${schema}, pg_temp`)
  await client.query(`create table if not exists storage_schema (module text not null, version bigint not null,
    name text not null, lowest_reader bigint not null, at bigint not null, primary key (module, version))`)
  const found = await appliedTo(client, location)
  checkUsable(found, migrations, { engine: 'postgres', path: location.name })
  for (const { module: moduleName, version, name, lowestReader, up } of unappliedOf(found.applied, migrations)) {
    for (const statement of up.postgres) await client.query(statement)
    await client.query('insert into storage_schema values ($1, $2, $3, $4, $5)', [
      moduleName,
      version,
      name,
      lowestReader,
      at,
    ])
  }
  for (const statement of securing(location)) await client.query(statement)
}

const securing = ({ schema, user }: ConnectionTarget): readonly string[] => [
  `do $$ begin
    if not exists (select from pg_roles where rolname = '${applicationRole}') then
      create role ${applicationRole} nologin nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
  exception when duplicate_object or unique_violation then null; end $$`,
  // In older servers the creator of a role is not automatically a member of it.
  `do $$ declare member name; begin
    foreach member in array array[current_user, ${literal(user)}]::name[] loop
      if exists (select from pg_roles where rolname = member) and not pg_has_role(member, '${applicationRole}', 'member') then
        execute format('grant ${applicationRole} to %I', member);
      end if;
    end loop;
  end $$`,
  // The setting is read in a subquery, once per statement, so that indexes by user can be used.
  `do $$ declare t name; begin
    for t in select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'work%' and not c.relforcerowsecurity
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped)
    loop
      execute format('alter table %I enable row level security', t);
      execute format('alter table %I force row level security', t);
      execute format('create policy of_user on %I using (user_id = (select nullif(current_setting(''troupe.user'', true), '''')))', t);
    end loop;
  end $$`,
  `do $$ declare t record; begin
    for t in select c.relname, pg_get_userbyid(c.relowner) as owner from pg_class c
      where c.relnamespace = current_schema()::regnamespace and ${withoutOwnerPolicy}
    loop
      execute format('drop policy if exists of_owner on %I', t.relname);
      execute format('create policy of_owner on %I to %I using (true)', t.relname, t.owner);
    end loop;
  end $$`,
  `grant usage on schema ${schema} to ${applicationRole}`,
  `grant select, insert, update, delete on all tables in schema ${schema} to ${applicationRole}`,
  `revoke insert, update, delete on storage_schema, storage_settings from ${applicationRole}`,
  `do $$ declare t record; begin
    for t in select c.relname, substring(obj_description(c.oid, 'pg_class') from 'revoke (.*)$') as rights from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      and obj_description(c.oid, 'pg_class') like '%revoke %'
    loop
      execute format('revoke %s on %I from ${applicationRole}', t.rights, t.relname);
    end loop;
  end $$`,
  `grant usage, select on all sequences in schema ${schema} to ${applicationRole}`,
  `grant execute on all functions in schema ${schema} to ${applicationRole}`,
]

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
