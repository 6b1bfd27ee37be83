/** The PostgreSQL server of the tests, found before they begin by `find-server.ts`, and hands to use it. */
import { Client } from 'pg'

export const server = process.env.TROUPE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'

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

/** Why there is no server; undefined where there is one. */
export const problemWith = (url: string): Promise<string | undefined> =>
  withClient((client) => client.query('select 1'), url).then(
    () => undefined,
    (error: unknown) =>
      `no PostgreSQL at ${new URL(url).host}: ${error instanceof Error ? error.message || error.name : error}`,
  )

/** The same, said aloud. */
export async function missingServer(): Promise<string | undefined> {
  const problem = await problemWith(server)
  if (problem) process.stderr.write(`skipped: ${problem}\n`)
  return problem
}

/** A schema of its own, gone afterwards. */
export const schemaName = (name: string): string => `troupe_${name}_${process.pid}`
export const dropSchema = (schema: string): Promise<unknown> =>
  withClient((client) => client.query(`drop schema if exists ${schema} cascade`))
