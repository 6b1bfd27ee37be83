/** Changes that the storage commits although it answers with an error: those who wait for them learn of them. */
import { expect, it } from 'vitest'
import { createVirtualClock, seededRandom } from '../core/index.ts'
import { defineAgent, defineMessage } from '../index.ts'
import type { FaultKind } from '../storage/index.ts'
import { solo, troupesOfTests } from './troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()

/** @returns a troupe whose next batch of changes is committed, and answered with an error, after `loseAnswer` */
async function openFaulty(config: object = {}) {
  const clock = createVirtualClock()
  let fault: FaultKind | undefined
  const at = () => {
    const drawn = fault
    fault = undefined
    return drawn
  }
  const faults = { clock, random: seededRandom('lost answers'), at }
  const troupe = await opened({ clock, faults, ...config } as never)
  const loseAnswer = () => {
    fault = 'io-after'
  }
  return { ada: troupe.user('ada'), clock, loseAnswer }
}
const lost = { code: 'storage.io' }

it.each([{}, { delay: '10s' }] as const)(
  'A waiting receiver gets a message whose send was committed although it failed, with the options %j.',
  async (options) => {
    const { ada, clock, loseAnswer } = await openFaulty()
    const received = ada.agent('Stock').mailbox.receive({ wait: '1h' })
    await ada.agent('Stock').mailbox.counts()
    loseAnswer()
    const sent = ada.agent('Desk').messages.send(defineMessage('order'), 17, { to: 'Stock', ...options })
    await expect(sent).rejects.toMatchObject(lost)
    await clock.advance('20s')
    expect(await received).toMatchObject([{ message: { payload: 17 } }])
  },
)

it('A watcher sees a write that was committed although it failed.', async () => {
  const { ada, loseAnswer } = await openFaulty()
  const changes = ada.context.watch()[Symbol.asyncIterator]()
  await ada.context.push('first', 1)
  expect(await changes.next()).toMatchObject({ value: { key: 'first' } })
  const next = changes.next()
  loseAnswer()
  await expect(ada.context.push('second', 2)).rejects.toMatchObject(lost)
  expect(await next).toMatchObject({ value: { key: 'second' } })
  await changes.return?.()
})

it('A question expires although the delivery of its timeout was committed and failed.', async () => {
  const asker = defineAgent({
    name: 'Asker',
    run: (_, ctx) => ctx.ask({ text: 'Continue?', timeout: '10s', default: 'late' }),
  })
  const { ada, clock, loseAnswer } = await openFaulty({ agents: [asker] })
  const run = await ada.orchestra.start({ id: 'r', task: 'x', topology: solo(asker) })
  await run.result()
  await clock.advance('9s')
  loseAnswer()
  await clock.advance('2s')
  await expect.poll(async () => (await run.status()).status).toBe('completed')
})

it('A run accepts an answer that was committed although it failed.', async () => {
  const asker = defineAgent({ name: 'Asker', run: (_, ctx) => ctx.ask({ text: 'Continue?' }) })
  const { ada, loseAnswer } = await openFaulty({ agents: [asker] })
  const run = await ada.orchestra.start({ id: 'r', task: 'x', topology: solo(asker) })
  const { questions } = await run.result()
  loseAnswer()
  await expect(run.answer(questions[0]?.id ?? '', 'yes')).rejects.toMatchObject(lost)
  await expect.poll(async () => (await run.status()).status).toBe('completed')
})

it('A schedule starts a run for a write and for a message that were committed although they failed.', async () => {
  const worker = defineAgent({ name: 'Worker', run: () => 'done' })
  const { ada, clock, loseAnswer } = await openFaulty({ agents: [worker] })
  await ada.schedules.create({ id: 'writes', agent: 'Worker', onContext: { pattern: 'orders.*' } })
  await ada.schedules.create({ id: 'mail', agent: 'Worker', onMessage: { type: 'order' } })
  loseAnswer()
  await expect(ada.context.push('orders.1', 1)).rejects.toMatchObject(lost)
  loseAnswer()
  await expect(ada.agent('Desk').messages.send(defineMessage('order'), 1, { to: 'mail' })).rejects.toMatchObject(lost)
  const runs = async () => (await ada.orchestra.list()).items.map(({ id }) => id.replace(/@.*/, '')).toSorted()
  await clock.advance('2s')
  await expect.poll(runs).toEqual(['mail', 'writes'])
})
