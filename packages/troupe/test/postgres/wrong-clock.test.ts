/** Processes whose clock differs from that of the PostgreSQL server. */
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { createTroupe, defineAgent, patterns } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('wrong_clock')
afterAll(() => (missing === undefined ? dropSchema(schema) : undefined))
afterEach(() => void vi.restoreAllMocks())

const clerk = defineAgent({
  name: 'Clerk',
  run: (_: string, ctx) => ctx.ask({ text: 'Which day?', timeout: '1s', default: 'any' }),
})
const topology = patterns.pipeline({ stages: [{ agents: [clerk] }] })

test.skipIf(missing !== undefined).each([
  ['an hour behind', -3_600_000],
  ['an hour ahead', 3_600_000],
])('A question on PostgreSQL waits and then expires in time, in a process whose clock is %s.', async (_, offMs) => {
  const { now } = Date
  vi.spyOn(Date, 'now').mockImplementation(() => now() + offMs)
  await using troupe = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
  const run = await troupe.user('ada').orchestra.start({ task: 'A trip', topology })
  const { status, questions } = await run.result()
  expect([status, questions.length]).toEqual(['waiting', 1])
  const { createdAt = '' } = (await troupe.user('ada').orchestra.list({ limit: 1 })).items[0] ?? {}
  // No test on a shared machine takes half an hour.
  expect(Math.abs(Date.parse(createdAt) - now())).toBeLessThan(1_800_000)
  expect(await run.output()).toBe('any')
})
