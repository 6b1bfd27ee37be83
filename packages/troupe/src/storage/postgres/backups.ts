/**
 * Backups of a PostgreSQL schema: every table in one snapshot, as lines of JSON. The server itself writes and reads the
 * JSON, so that no value changes. A line with a JSON string begins the table of that name; the following lines are its
 * rows. The backup has no table definitions, because the migrations create the tables.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { Client } from 'pg'
import { failure, TroupeError, whenAborted } from '../../core/index.ts'
import type { BackupEngine } from '../backup/backup-engine-port.ts'
import { type Contents, checkContents, damaged, type StoredBackup } from '../backup/backup-manifest.ts'
import { checkKnown, checkNotEarlier, schemaTable } from '../migrations/applied-migrations.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import { markRestored } from '../restoration.ts'
import { connect } from './connections/connect.ts'
import { type PostgresSettings, settingsOf } from './connections/connection-target.ts'
import { disconnect } from './connections/keepalive.ts'
import { failureOf } from './error-class.ts'
import { alone, applyMigrations, withoutTimeouts, withPolicies } from './migrate.ts'

/** The bounds of a batch. A typical row has a few hundred bytes, but a value may have 8 MB. */
const rowsPerBatch = 100
const bytesPerBatch = 4 * 1024 * 1024

export const postgresBackups: BackupEngine<PostgresOptions> = { file: 'troupe.jsonl.gz', copy, verify, restore }

/** Reads as the role that owns the tables, for which row-level security hides no rows. */
async function copy(options: PostgresOptions, to: string, signal?: AbortSignal): Promise<Contents> {
  const settings = settingsOf(options)
  return asOwner(settings, 'troupe backup', signal, async (client) => {
    await client.query('begin isolation level repeatable read read only')
    await client.query(withoutTimeouts)
    if (!(await tablesOf(client, settings)).includes(schemaTable))
      throw failure('storage.foreign', { path: settings.location.name, problem: 'the schema has no troupe in it' })
    await requireAllRows(client, settings)
    await client.query(`set local search_path = ${settings.location.schema}, pg_temp`)
    const { rows: versions } = await client.query<{ module: string; version: number }>(
      `select module, max(version) as version from ${schemaTable} group by module`,
    )
    const rows: Record<string, number> = {}
    await pipeline(
      Readable.from(linesFrom(client, settings, rows)),
      createGzip(),
      createWriteStream(to, { mode: 0o600, flush: true }),
      signal ? { signal } : {},
    )
    await client.query('commit')
    return {
      schema: Object.fromEntries(versions.map(({ module: moduleName, version }) => [moduleName, version])),
      rows,
    }
  })
}

/** @throws ProcessingError `backup.damaged` */
async function verify({ folder, data, manifest }: StoredBackup, signal?: AbortSignal): Promise<void> {
  const found: Record<string, number> = {}
  for await (const { table, line } of rowsIn(folder, data, signal)) {
    found[table] ??= 0
    if (line === undefined) continue
    parsed(folder, line)
    found[table]++
  }
  checkContents(folder, manifest, found)
}

/**
 * Restores to a schema without tables. One transaction creates the tables, fills them and adds the restoration mark.
 * Another process that opens the schema meanwhile waits, and a crash leaves no data.
 * @throws ConflictError `storage.not_empty`; ValidationError `storage.incompatible`, `storage.too_new`; the errors of
 * the server
 */
async function restore(
  { folder, data, manifest }: StoredBackup,
  { location: options, migrations, restoration }: Parameters<BackupEngine<PostgresOptions>['restore']>[1],
  signal?: AbortSignal,
): Promise<void> {
  const settings = settingsOf(options)
  const { location, migrateLocation } = settings
  checkNotEarlier(Object.keys(manifest.rows), folder)
  checkKnown(manifest.schema, migrations, location.name)
  const at = Date.parse(restoration.at)
  const owner = { ...migrateLocation, user: location.user }
  const then = migrations.filter(({ module: moduleName, version }) => version <= (manifest.schema[moduleName] ?? 0))
  await asOwner(settings, 'troupe restore', signal, (client) =>
    alone(client, location, async () => {
      const there = await tablesOf(client, settings)
      if (there.length > 0)
        throw failure('storage.not_empty', { path: location.name, problem: `it has ${there.length} tables` })
      await client.query("set local idle_in_transaction_session_timeout = '5min'")
      await applyMigrations(client, then, owner, at)
      await fill(client, rowsIn(folder, data, signal), await tablesOf(client, settings))
      await applyMigrations(client, migrations, owner, at)
      for (const { sql } of markRestored(restoration)) await client.query(sql)
    }),
  )
}

/** Runs as the owner of the tables. An abort closes the connection, so that any wait ends. */
async function asOwner<T>(
  settings: PostgresSettings,
  name: string,
  signal: AbortSignal | undefined,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    const client = await connect(settings.migrateLocation, name, settings.acquireMs)
    const stopWatching = whenAborted(signal, () => void disconnect(client).catch(() => {}))
    try {
      // The signal may have aborted during the connecting.
      signal?.throwIfAborted()
      return await run(client)
    } finally {
      stopWatching()
      await disconnect(client)
    }
  } catch (error) {
    throw error instanceof TroupeError ? error : failureOf(error, settings, settings.migrateLocation.name)
  }
}

async function tablesOf(client: Client, { location }: PostgresSettings): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p') order by c.relname`,
    [location.schema],
  )
  return rows.map(({ name }) => name)
}

/**
 * Requires that row-level security hides no rows from the role. A backup by another role would have no row of any user.
 * @throws ExternalServiceError `storage.denied`
 */
async function requireAllRows(client: Client, { location, migrateLocation }: PostgresSettings): Promise<void> {
  const { rows } = await client.query<{ role: string; table: string }>(
    `select current_user as role, c.relname as "table" from pg_class c
      where c.relnamespace = $1::regnamespace and ${withPolicies} and not exists (
        select from pg_policy p, unnest(p.polroles) as member
        where p.polrelid = c.oid and p.polname = 'of_owner' and pg_has_role(member, 'usage'))
      and not (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) limit 1`,
    [location.schema],
  )
  const [hidden] = rows
  if (!hidden) return
  const problem = `${hidden.role} does not see all rows of ${hidden.table}, because it is not the role that migrated it`
  throw failure('storage.denied', { path: migrateLocation.name, problem })
}

async function* linesFrom(
  client: Client,
  settings: PostgresSettings,
  counts: Record<string, number>,
): AsyncGenerator<string> {
  for (const table of await tablesOf(client, settings)) {
    if (table === schemaTable) continue
    counts[table] = 0
    yield `${JSON.stringify(table)}\n`
    await client.query(`declare troupe_rows no scroll cursor for select row_to_json(t)::text as line from "${table}" t`)
    // The sizes of the rows are known only after a fetch, so the number of rows of the next one follows them.
    for (let size = 1; ; ) {
      const { rows } = await client.query<{ line: string }>(`fetch ${size} from troupe_rows`)
      counts[table] += rows.length
      let bytes = 0
      for (const { line } of rows) {
        bytes += line.length
        yield `${line}\n`
      }
      if (rows.length < size) break
      size = bytes > bytesPerBatch ? Math.max(1, size >> 1) : Math.min(2 * size, rowsPerBatch)
    }
    await client.query('close troupe_rows')
  }
}

/** @returns one item without a line at the start of each table, then the rows of the table */
async function* rowsIn(
  folder: string,
  data: string,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly table: string; readonly line?: string }> {
  const file = createReadStream(data, signal ? { signal } : {})
  const unpacked = createGunzip()
  file.on('error', (error) => unpacked.destroy(error))
  let table: string | undefined
  try {
    for await (const line of linesIn(file.pipe(unpacked))) {
      if (line.startsWith('"')) {
        table = String(parsed(folder, line))
        yield { table }
      } else if (table === undefined) throw new Error('it begins with no table')
      else yield { table, line }
    }
  } catch (error) {
    throw error instanceof TroupeError ? error : damaged(folder, (error as Error).message, error)
  } finally {
    file.destroy()
  }
}

/** Splits text into lines. `readline` is not used: it also ends a line at U+2028, which JSON may contain. */
async function* linesIn(chunks: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') throw new Error('its last line has no end')
}

function parsed(folder: string, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw damaged(folder, 'a line is not JSON', error)
  }
}

async function fill(client: Client, rows: ReturnType<typeof rowsIn>, tables: readonly string[]): Promise<void> {
  // The backup contains the rows that migrations insert and the values that triggers set.
  for (const table of tables) {
    await client.query(`alter table "${table}" disable trigger user`)
    if (table !== schemaTable) await client.query(`delete from "${table}"`)
  }
  let table = ''
  let lines: string[] = []
  let bytes = 0
  const flush = async () => {
    if (lines.length === 0) return
    const sql = `insert into "${table}" overriding system value select * from json_populate_recordset(null::"${table}", $1::json)`
    await client.query(sql, [`[${lines.join(',')}]`])
    lines = []
    bytes = 0
  }
  for await (const row of rows) {
    const isFull = lines.length === rowsPerBatch || bytes > bytesPerBatch
    if (row.line === undefined || isFull) await flush()
    if (row.line === undefined) {
      table = row.table
      continue
    }
    // The migrations made every table of Troupe that the backup has; the others are of other programs.
    if (!tables.includes(table)) continue
    lines.push(row.line)
    bytes += row.line.length
  }
  await flush()
  await advance(client)
  for (const table of tables) await client.query(`alter table "${table}" enable trigger user`)
}

/** Sets each identity sequence to the value after the largest existing one. */
async function advance(client: Client): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string }>(
    `select c.relname as "table", a.attname as "column" from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attidentity <> ''`,
  )
  for (const { table, column } of rows)
    await client.query(
      `select setval(pg_get_serial_sequence($1, $2), (select coalesce(max("${column}"), 0) + 1 from "${table}"), false)`,
      [`"${table}"`, column],
    )
}
