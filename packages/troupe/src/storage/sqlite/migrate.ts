/**
 * Brings the schema to what this release knows, in one transaction: all of the pending steps or none.
 * A schema that a newer release left is accepted as long as that release said that this one can read it.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type Applied, checkNotEarlier, checkReadable, latestOf, schemaTable } from '../applied.ts'
import type { Migration } from '../migration.ts'

/**
 * @param at ms since 1970, for the record
 * @throws ValidationError `storage.incompatible`, `storage.too_new`; ProcessingError `invariant.broken` where the steps are not 1, 2, 3 …
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[], place: string, at: number): void {
  const known = latestOf(migrations)
  checkReadable(appliedTo(db, place), known, place)
  db.exec('begin immediate')
  try {
    db.exec(`create table if not exists storage_schema (
      room text not null, version integer not null, name text not null, lowest_reader integer not null,
      at integer not null, primary key (room, version)) without rowid`)
    const done = new Set(appliedTo(db, place).map(({ room, version }) => `${room} ${version}`))
    const record = db.prepare(
      'insert into storage_schema (room, version, name, lowest_reader, at) values (?, ?, ?, ?, ?)',
    )
    for (const { room, version, name, lowestReader, up } of migrations) {
      if (done.has(`${room} ${version}`)) continue
      for (const statement of up.sqlite) db.exec(statement)
      record.run(room, version, name, lowestReader, at)
    }
    db.exec('commit')
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

/**
 * Whether there is anything that `migrate` would do, found without writing.
 * @throws ValidationError `storage.incompatible`, `storage.too_new`
 */
export function isCurrent(db: DatabaseSync, migrations: readonly Migration[], place: string): boolean {
  const applied = appliedTo(db, place)
  checkReadable(applied, latestOf(migrations), place)
  const done = new Set(applied.map(({ room, version }) => `${room} ${version}`))
  return migrations.every(({ room, version }) => done.has(`${room} ${version}`))
}

/** @throws ValidationError `storage.incompatible` */
export function appliedTo(db: DatabaseSync, place: string): readonly Applied[] {
  const namesOf = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map(({ name }) => String(name))
  const tables = namesOf("select name from sqlite_master where type = 'table'")
  if (!tables.includes(schemaTable)) return []
  checkNotEarlier(tables, place, namesOf(`select name from pragma_table_info('${schemaTable}')`))
  const rows = db.prepare('select room, version, lowest_reader from storage_schema').all()
  return rows as Applied[]
}
