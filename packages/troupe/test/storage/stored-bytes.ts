/** The bytes of all rows of a database, by table: what a value costs, wherever modules store it. */
import { DatabaseSync } from 'node:sqlite'
import { withClient } from '../postgres/postgres-server.ts'

/** The sum of the lengths of all columns. */
export function storedBytesOfFile(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = db.prepare("select name from sqlite_schema where type = 'table'").all()
    return tables.reduce((sum, { name }) => {
      const columns = db.prepare(`select name from pragma_table_info('${name}')`).all()
      const lengths = columns.map((column) => `coalesce(octet_length("${column.name}"), 0)`).join(' + ')
      return sum + Number(db.prepare(`select coalesce(sum(${lengths}), 0) as bytes from "${name}"`).get()?.bytes)
    }, 0)
  } finally {
    db.close()
  }
}

export const storedBytesOfSchema = (schema: string): Promise<number> =>
  withClient(async (client) => {
    const { rows } = await client.query('select tablename from pg_tables where schemaname = $1', [schema])
    let bytes = 0
    for (const { tablename } of rows) {
      const sum = `select coalesce(sum(octet_length(t::text)), 0)::int as bytes from ${schema}."${tablename}" t`
      bytes += (await client.query(sum)).rows[0].bytes
    }
    return bytes
  })
