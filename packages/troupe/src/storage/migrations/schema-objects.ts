/** The tables and indexes that migrations create, read from their statements. */
import type { Migration } from './migration.ts'

export interface SchemaObjects {
  readonly tables: readonly string[]
  /** The indexes besides the primary keys. */
  readonly indexes: readonly string[]
}

const form =
  /\b(create|drop|alter) (table|(?:unique )?index)(?: if (?:not )?exists)? (\w+)(?: on (\w+)| rename to (\w+))?/gi

/** Returns the tables and indexes that were created and not dropped, an index alone or with its table. */
export function schemaObjects(migrations: readonly Migration[], engine: 'sqlite' | 'postgres'): SchemaObjects {
  const tables = new Set<string>()
  const indexes = new Map<string, string>()
  const moveIndexes = (table: string, to?: string) => {
    for (const [index, of] of indexes)
      if (of === table && to !== undefined) indexes.set(index, to)
      else if (of === table) indexes.delete(index)
  }
  for (const { up } of migrations)
    for (const [, verb = '', kind = '', name = '', table = '', to] of up[engine].join(';\n').matchAll(form)) {
      const action = `${verb} ${kind.split(' ').at(-1)}`.toLowerCase()
      if (action === 'create table') tables.add(name)
      if (action === 'create index') indexes.set(name, table)
      if (action === 'drop index') indexes.delete(name)
      if (action === 'drop table' || (action === 'alter table' && to !== undefined)) {
        tables.delete(name)
        moveIndexes(name, to)
      }
      if (action === 'alter table' && to !== undefined) tables.add(to)
    }
  return { tables: [...tables], indexes: [...indexes.keys()] }
}
