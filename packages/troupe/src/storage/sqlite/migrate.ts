/**
 * Migrates the schema to this release in one transaction: all pending migrations or none. A schema of a newer release
 * is accepted if that release declared this one able to read it.
 */
import type { DatabaseSync } from 'node:sqlite'
import {
  type Applied,
  type AppliedSchema,
  checkNotEarlier,
  checkUsable,
  schemaTable,
  unappliedOf,
} from '../migrations/applied-migrations.ts'
import type { Migration } from '../migrations/migration.ts'

/**
 * @param at ms since 1970, stored with the migration
 * @throws ValidationError `storage.incompatible`, `storage.too_new`; ProcessingError `storage.corrupt` if a table is
 * missing, `invariant.broken` unless the versions are 1, 2, 3 …
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[], location: string, at: number): void {
  checkUsable(appliedTo(db, location), migrations, { engine: 'sqlite', path: location })
  db.exec('begin immediate')
  try {
    applyMigrations(db, migrations, location, at)
    db.exec('commit')
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

function applyMigrations(db: DatabaseSync, migrations: readonly Migration[], location: string, at: number): void {
  db.exec(`create table if not exists storage_schema (
      module text not null, version integer not null, name text not null, lowest_reader integer not null,
      at integer not null, primary key (module, version)) without rowid`)
  const unapplied = unappliedOf(appliedTo(db, location).applied, migrations)
  const record = db.prepare(
    'insert into storage_schema (module, version, name, lowest_reader, at) values (?, ?, ?, ?, ?)',
  )
  for (const { module: moduleName, version, name, lowestReader, up } of unapplied) {
    for (const statement of up.sqlite) db.exec(statement)
    record.run(moduleName, version, name, lowestReader, at)
  }
}

/**
 * Returns, without writing, whether no migration is pending.
 * @throws ValidationError `storage.incompatible`, `storage.too_new`; ProcessingError `storage.corrupt` if a table is missing
 */
export function isCurrent(db: DatabaseSync, migrations: readonly Migration[], location: string): boolean {
  const schema = appliedTo(db, location)
  checkUsable(schema, migrations, { engine: 'sqlite', path: location })
  return unappliedOf(schema.applied, migrations).length === 0
}

/** @throws ValidationError `storage.incompatible` */
export function appliedTo(db: DatabaseSync, location: string): AppliedSchema {
  const namesOf = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map(({ name }) => String(name))
  const tables = namesOf("select name from sqlite_master where type = 'table'")
  if (!tables.includes(schemaTable)) return { applied: [], tables }
  checkNotEarlier(tables, location, namesOf(`select name from pragma_table_info('${schemaTable}')`))
  const rows = db.prepare('select module, version, lowest_reader from storage_schema').all()
  return { applied: rows as Applied[], tables }
}
