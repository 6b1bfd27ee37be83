import { env } from 'node:process'
import { createTroupe } from 'troupe'
import { expect, it } from 'vitest'
import { main } from './main.ts'

const url = env.TROUPE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const schema = `troupe_guide_${process.pid}`
const storage = { url, schema, acquireTimeout: '2s' } as const
const problem = await createTroupe({ storage, log: 'silent' }).then(
  (troupe) => troupe.close(),
  (error: Error) => error.message,
)
if (problem) process.stderr.write(`skipped: ${problem}\n`)

it.skipIf(problem)(
  "The sample of microservices shows two processes each other's pushes, in order and once.",
  async () => {
    env.DATABASE_URL = url
    const { received, report, p50, p99 } = await main({ deals: 10, schema })
    expect(received).toEqual(Array.from({ length: 10 }, (_, n) => `${n + 1}`))
    expect(report).toEqual({ deals: 10, revenue: 55 })
    process.stderr.write(`Analytics hears of a deal after p50 ${p50} ms, p99 ${p99} ms\n`)
    const { Client } = await import('pg')
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(`drop schema if exists ${schema} cascade`)
    await client.end()
  },
  60_000,
)
