/** A PostgreSQL server for tests: the one that `TROUPE_POSTGRES` names or that listens on 127.0.0.1:5432. */
import { Client } from 'pg'

export const server = process.env.TROUPE_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'

export async function withClient<T>(run: (client: Client) => Promise<T>, url = server): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

/** Why there is none; undefined where there is one. */
export async function missingServer(): Promise<string | undefined> {
  try {
    await withClient((client) => client.query('select 1'))
    return undefined
  } catch (error) {
    const problem = `no PostgreSQL at ${new URL(server).host}: ${error instanceof Error ? error.message || error.name : error}`
    process.stderr.write(`skipped: ${problem}\n`)
    return problem
  }
}

/** A schema of its own, gone afterwards. */
export const schemaName = (name: string): string => `troupe_${name}_${process.pid}`
export const dropSchema = (schema: string): Promise<unknown> =>
  withClient((client) => client.query(`drop schema if exists ${schema} cascade`))
