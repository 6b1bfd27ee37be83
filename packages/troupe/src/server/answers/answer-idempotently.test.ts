import { afterEach, expect, it } from 'vitest'
import { defineAgent } from '../../agents/index.ts'
import { createVirtualClock } from '../../core/index.ts'
import { Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

it('A request with an Idempotency-Key whose execution outlasts the lease of its claim is executed once.', async () => {
  const clock = createVirtualClock()
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const executions: string[] = []
  const undo = () => {
    executions.push('undo')
    begun.resolve()
    return ended.promise
  }
  const buyer = defineAgent({
    name: 'Buyer',
    run: (_, ctx) => ctx.effect('pay', { class: 'at-most-once', undo }, () => 'paid'),
  })
  const { call } = await servers.start({ clock, agents: [buyer] })
  await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Buyer' })
  await call('GET', '/v1/runs/r/result?wait=20s')
  const undoRun = () => call('POST', '/v1/runs/r/undo', {}, { 'idempotency-key': 'undo-r' })
  const first = undoRun()
  await begun.promise
  for (let i = 0; i < 10; i++) await clock.advance('20s')
  expect(await undoRun()).toMatchObject({ status: 409, body: { code: 'request.running' } })
  ended.resolve()
  const answered = await first
  expect(answered).toMatchObject({ status: 200, body: { effects: [{ effect: 'pay', status: 'undone' }] } })
  expect((await undoRun()).body).toEqual(answered.body)
  expect(executions).toEqual(['undo'])
})
