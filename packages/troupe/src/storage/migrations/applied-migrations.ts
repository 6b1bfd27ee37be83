/** The migrations that a database has, and whether this release can use the database. */
import { failure } from '../../core/index.ts'
import type { Migration } from './migration.ts'
import { schemaObjects } from './schema-objects.ts'

export type Applied = {
  readonly module: string
  readonly version: number
  readonly lowest_reader: number
}

/** The schema that a database has. */
export interface AppliedSchema {
  readonly applied: readonly Applied[]
  /** The names of its tables, those of other applications included. */
  readonly tables: readonly string[]
}

/** The table that records the applied steps, and its column with the name of the module. */
export const schemaTable = 'storage_schema'
/** A table that every database of Troupe has. */
const settingsTable = 'storage_settings'
const moduleColumn = 'module'

/** Tables that only builds before the first release made: a database that has one cannot be migrated. */
const earlierTables: ReadonlySet<string> = new Set(['run_leases', 'conversation_messages', 'run_nodes'])

/** The last table that was added to a migration before the first release, and a table that was always created with it. */
const addedTable = { name: 'rate_limit_calls', with: 'journals' }

/**
 * Throws if a build before the first release made the database or backup.
 * @param tables the names of its tables
 * @param columns the columns of `storage_schema`; omitted for a backup, whose manifest does not list them
 * @throws ValidationError `storage.incompatible`
 */
export function checkNotEarlier(tables: readonly string[], location: string, columns?: readonly string[]): void {
  const table = tables.find((name) => earlierTables.has(name))
  if (table !== undefined) throw failure('storage.incompatible', { path: location, found: `the table ${table}` })
  if (tables.includes(addedTable.with) && !tables.includes(addedTable.name))
    throw failure('storage.incompatible', { path: location, found: `no table ${addedTable.name}` })
  if (columns && !columns.includes(moduleColumn))
    throw failure('storage.incompatible', { path: location, found: `no column ${moduleColumn} in ${schemaTable}` })
}

/**
 * Returns the latest version of each module. @throws ProcessingError `invariant.broken` unless the versions are 1, 2, 3
 * …
 */
export function latestOf(migrations: readonly Migration[]): ReadonlyMap<string, number> {
  const known = new Map<string, number>()
  for (const { module: moduleName, version } of migrations) {
    if (version !== (known.get(moduleName) ?? 0) + 1)
      throw failure('invariant.broken', {
        rule: `the migrations of ${moduleName} are numbered 1, 2, 3 … (found ${version})`,
      })
    known.set(moduleName, version)
  }
  return known
}

/** Throws if the database requires a newer release. A module that this release does not have counts as version 0. */
export function checkReadable(applied: readonly Applied[], known: ReadonlyMap<string, number>, location: string): void {
  for (const { module: moduleName, version, lowest_reader } of applied)
    if (lowest_reader > (known.get(moduleName) ?? 0))
      throw failure('storage.too_new', {
        path: location,
        found: `${moduleName} ${version}`,
        known: `${moduleName} ${known.get(moduleName) ?? 0}`,
      })
}

/**
 * Throws if the database requires a newer release, or lacks a table that its migrations created.
 * @param location the engine, and the name of the database in errors
 * @throws ValidationError `storage.too_new`; ProcessingError `storage.corrupt`
 */
export function checkUsable(
  { applied, tables }: AppliedSchema,
  migrations: readonly Migration[],
  { engine, path }: { readonly engine: 'sqlite' | 'postgres'; readonly path: string },
): void {
  const latest = latestOf(migrations)
  checkReadable(applied, latest, path)
  // A newer release may have removed tables that this one does not need.
  if (applied.some(({ module: moduleName, version }) => version > (latest.get(moduleName) ?? 0))) return
  const unapplied = new Set(unappliedOf(applied, migrations))
  const there = new Set(tables)
  const created = schemaObjects(
    migrations.filter((migration) => !unapplied.has(migration)),
    engine,
  ).tables
  const missing = created.filter((name) => !there.has(name))
  // A database with other tables of Troupe has lost this one.
  if (!there.has(schemaTable) && there.has(settingsTable)) missing.push(schemaTable)
  if (missing.length === 0) return
  const problem = `${missing.length === 1 ? 'the table' : 'the tables'} ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`
  throw failure('storage.corrupt', { path, problem })
}

/** Returns the migrations that are not applied, in order. */
export function unappliedOf(applied: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] {
  const done = new Set(applied.map(({ module: moduleName, version }) => `${moduleName} ${version}`))
  return migrations.filter(({ module: moduleName, version }) => !done.has(`${moduleName} ${version}`))
}

/** Returns the migrations that this release would apply; an empty list for an empty database. */
export const pendingAfter = (applied: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] =>
  applied.length === 0 ? [] : unappliedOf(applied, migrations)

/**
 * Throws unless this release knows every migration of a backup, because a restore applies them step by step.
 * @param schema the schema version of each module
 * @throws ValidationError `storage.too_new`
 */
export function checkKnown(
  schema: Readonly<Record<string, number>>,
  migrations: readonly Migration[],
  location: string,
): void {
  const known = latestOf(migrations)
  checkReadable(
    Object.entries(schema).map(([moduleName, version]) => ({ module: moduleName, version, lowest_reader: version })),
    known,
    location,
  )
}
