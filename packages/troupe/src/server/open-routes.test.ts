import { afterEach, expect, it } from 'vitest'
import { defineAgent } from '../agents/index.ts'
import { caller, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

it('The health and readiness routes answer any caller in one word, with a status for probes.', async () => {
  const [began, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = defineAgent({
    name: 'Slow',
    run: async () => {
      began.resolve()
      await gate.promise
      return 'done'
    },
  })
  const { url, troupe } = await servers.start({ agents: [slow] }, { key: 'k'.repeat(32) })
  const call = caller(url)
  const both = async () => {
    const [health, ready] = await Promise.all([call('GET', '/health'), call('GET', '/ready')])
    return [health.status, health.body, ready.status, ready.body]
  }
  expect(await both()).toEqual([200, { status: 'ok' }, 200, { status: 'ready' }])
  await troupe.user('ada').orchestra.start({ task: 1, topology: { agents: [slow], flows: ['Slow -> End'] } })
  await began.promise
  const drainResult = troupe.drain()
  // What ends takes nothing new, and is not killed for it.
  expect(await both()).toEqual([200, { status: 'ok' }, 503, { status: 'not ready' }])
  gate.resolve()
  await drainResult
  expect(await both()).toEqual([503, { status: 'closed' }, 503, { status: 'not ready' }])
})
