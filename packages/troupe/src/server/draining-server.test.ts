import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { defineAgent } from '../agents/index.ts'
import { Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

/** A server with a run that is at work until it is let go. */
async function busy() {
  const [began, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = defineAgent({
    name: 'Slow',
    run: async () => {
      began.resolve()
      await gate.promise
      return 'done'
    },
  })
  const served = await servers.start({ agents: [slow] })
  const run = (await served.call('POST', '/v1/runs', { task: 1 })).body.run as string
  await began.promise
  return { ...served, run, release: gate.resolve }
}

it('A server of a draining troupe is not ready until the work in progress has ended.', async () => {
  const { call, troupe, close, url, release } = await busy()
  const drainResult = troupe.drain({ closing: [close] })
  const ready = await call('GET', '/ready')
  expect(ready).toMatchObject({ status: 503, body: { status: 'not ready' } })
  expect(ready.headers.get('connection')).toBe('close')
  expect(await call('GET', '/health')).toMatchObject({ status: 200 })
  expect(await call('GET', '/v1/runs')).toMatchObject({ status: 503, body: { code: 'server.draining' } })
  release()
  expect(await drainResult).toMatchObject({ finished: 1, isComplete: true })
  await expect(fetch(`${url}/ready`)).rejects.toThrow()
})

it('A server that closes tells waiting callers to retry.', async () => {
  const { call, app, run, close, release } = await busy()
  const asked = once(app.server, 'request')
  const waiting = call('GET', `/v1/runs/${run}/result?wait=60s`)
  await asked
  const closed = close()
  expect(await waiting).toMatchObject({ status: 503, body: { code: 'server.draining', retryable: true } })
  await closed
  release()
})
