/** The SQL of SQLite. */
import { SqliteQueryCompiler } from 'kysely'
import { createDialect } from '../dialect.ts'

export const sqliteDialect = createDialect('sqlite', new SqliteQueryCompiler())
