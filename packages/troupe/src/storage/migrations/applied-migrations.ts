/** Which steps of which rooms a database has, and whether this release can work with them. */
import { failure } from '../../core/index.ts'
import type { Migration } from './migration.ts'

export type Applied = {
  readonly module: string
  readonly version: number
  readonly lowest_reader: number
}

/** The table that records the applied steps, and its column with the name of the module. */
export const schemaTable = 'storage_schema'
const moduleColumn = 'module'

/** Tables that only builds before the first release made: a database that has one cannot be migrated. */
const earlierTables: ReadonlySet<string> = new Set(['run_leases', 'conversation_messages', 'run_nodes'])

/**
 * Throws if a build before the first release made the database or backup.
 * @param tables the names of its tables
 * @param columns the columns of `storage_schema`; omitted for a backup, whose manifest does not list them
 * @throws ValidationError `storage.incompatible`
 */
export function checkNotEarlier(tables: readonly string[], location: string, columns?: readonly string[]): void {
  const table = tables.find((name) => earlierTables.has(name))
  if (table !== undefined) throw failure('storage.incompatible', { path: location, found: `the table ${table}` })
  if (columns && !columns.includes(moduleColumn))
    throw failure('storage.incompatible', { path: location, found: `no column ${moduleColumn} in ${schemaTable}` })
}

/** @throws ProcessingError `invariant.broken` where the steps are not 1, 2, 3 … */
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

/** A room that this release does not have counts as known up to 0. */
export function checkReadable(applied: readonly Applied[], known: ReadonlyMap<string, number>, location: string): void {
  for (const { module: moduleName, version, lowest_reader } of applied)
    if (lowest_reader > (known.get(moduleName) ?? 0))
      throw failure('storage.too_new', {
        path: location,
        found: `${moduleName} ${version}`,
        known: `${moduleName} ${known.get(moduleName) ?? 0}`,
      })
}

/** What this release would apply to it; nothing where there is nothing yet. */
export function pendingAfter(applied: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] {
  if (applied.length === 0) return []
  const done = new Set(applied.map(({ module: moduleName, version }) => `${moduleName} ${version}`))
  return migrations.filter(({ module: moduleName, version }) => !done.has(`${moduleName} ${version}`))
}

/**
 * What a backup holds is brought up to date step by step: this release must know all of them.
 * @param schema by room, how far its tables are
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
