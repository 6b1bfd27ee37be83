/** The conformance suite on PostgreSQL, a schema of its own for each case. */
import { Client } from 'pg'
import { afterAll, describe, test } from 'vitest'
import { seededRandom } from '../../core/index.ts'
import { storageConformance } from '../../testing/index.ts'
import { openStorage } from '../index.ts'

const server = process.env.TROUPE_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'

async function reason(): Promise<string | undefined> {
  const client = new Client({ connectionString: server, connectionTimeoutMillis: 2_000 })
  try {
    await client.connect()
    await client.end()
    return undefined
  } catch (error) {
    return `no PostgreSQL at 127.0.0.1:5432 (${error instanceof Error ? error.message || error.name : error})`
  }
}
const missing = await reason()
if (missing) process.stdout.write(`skipped: ${missing}\n`)

const schemas: string[] = []
const fresh = () => {
  const schema = `troupe_test_${process.pid}_${schemas.length}`
  schemas.push(schema)
  return schema
}
afterAll(async () => {
  if (missing) return
  const client = new Client({ connectionString: server })
  await client.connect()
  for (const schema of schemas) await client.query(`drop schema if exists ${schema} cascade`)
  await client.end()
})

describe.skipIf(missing !== undefined)('on PostgreSQL', () => {
  for (const { name, run } of storageConformance((options) =>
    openStorage({
      ...options,
      url: server,
      postgres: { schema: fresh() },
      time: 'clock',
      random: seededRandom(schemas.length),
    }),
  ))
    test(name, run)
})
