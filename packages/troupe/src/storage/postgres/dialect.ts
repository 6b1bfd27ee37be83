/** The SQL of PostgreSQL. */
import { PostgresQueryCompiler } from 'kysely'
import { createDialect } from '../dialect.ts'

export const postgresDialect = createDialect('postgres', new PostgresQueryCompiler())
