/** What handlers recorded of their messages goes with its retention. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { createSkippingClock, type SkippingClock } from '../../core/time/skipping-clock.test.fixture.ts'
import { defineMessage } from '../message-type.ts'
import {
  type MessagingTestbed,
  type MessagingTestbedOptions,
  openMessagingTestbed,
} from '../messaging-testbed.test.fixture.ts'
import { Worker } from './worker.ts'

const Order = defineMessage<number>('order')

let testbed: MessagingTestbed
let clock: SkippingClock
afterEach(() => testbed.close())
const open = async (config: MessagingTestbedOptions['config']) => {
  clock = createSkippingClock()
  testbed = await openMessagingTestbed({ clock, ...(config ? { config } : {}) })
}

const counted = async (table: string) => {
  const sql = `select count(*) as count from ${table}`
  const [rows] = await testbed.storage.read({ work: true }, [{ sql, binds: [], returns: true }])
  return Number(rows?.[0]?.count)
}
const journals = () => counted('journals')
const cleanUp = async () => {
  while ((await testbed.journals.cleanup(7)) > 0);
  return journals()
}
const send = (n: number) => testbed.agent('Host').messages.send(Order, n, { to: 'Till' })
async function untilEmpty(dead = 0) {
  for (let i = 0; i < 2_000; i++) {
    const counts = await testbed.agent('Till').mailbox.counts()
    if (counts.waiting + counts.leased === 0 && counts.dead === dead) return
    await testbed.clock.advance('50ms')
  }
  throw new Error('the mailbox is not empty')
}

it('The journals of handled messages are removed after a day, or after `messaging.retention`.', async () => {
  for (const [config, before, after] of [
    [undefined, '23h', '2h'],
    [{ retention: '10m' }, '9m', '2m'],
  ] as const) {
    await open(config)
    await testbed.start(
      new Worker('Till').on(Order, (_, ctx) => ctx.effect('print', { class: 'at-most-once' }, () => null)),
    )
    for (let n = 0; n < 20; n++) await send(n)
    await untilEmpty()
    expect(await journals()).toBe(20)
    await testbed.clock.advance(before)
    expect(await cleanUp()).toBe(20)
    await testbed.clock.advance(after)
    expect(await cleanUp()).toBe(0)
    expect(await counted('journal_records')).toBe(0)
    expect(await counted('journals_ended')).toBe(0)
    if (!config) await testbed.close()
  }
})

it('The effects of a failed handler are known while its dead letter can be redriven, and are removed with the attempt that succeeds.', async () => {
  await open({ maxAttempts: 2, retention: '1h' })
  let charged = 0
  let broken = true
  const make = () =>
    new Worker('Till').on(Order, async (_, ctx) => {
      await ctx.effect('charge', { class: 'at-most-once', key: 'order' }, () => ++charged)
      if (broken) throw new Error('the printer is out of paper')
    })
  const first = await testbed.start(make())
  const { id } = await send(1)
  await untilEmpty(1)
  await first.stop()
  clock.skip('29d')
  // Of both tries.
  expect(await cleanUp()).toBe(2)

  broken = false
  const second = await testbed.start(make())
  await testbed.agent('Till').mailbox.redrive(id)
  await untilEmpty()
  expect(charged).toBe(1)
  await second.stop()
  expect(await cleanUp()).toBe(3)
  await testbed.clock.advance('61m')
  expect(await cleanUp()).toBe(0)
})

it('The journals of a dead letter that is never redriven are removed with it.', async () => {
  await open({ maxAttempts: 1 })
  const running = await testbed.start(
    new Worker('Till').on(Order, () => {
      throw new Error('no')
    }),
  )
  await send(1)
  await untilEmpty(1)
  await running.stop()
  clock.skip('31d')
  expect(await cleanUp()).toBe(0)
})

it.each([
  ['whose consumer vanished', 1, 'the consumer vanished'],
  ['whose handler no longer fits it', 2, 'the code of its handler no longer fits'],
] as const)('The journals of a message %s are removed with its dead letter.', async (_, maxAttempts, why) => {
  await open({ lease: '1s', maxAttempts, retention: '1h' })
  const printingWorker = (does: boolean) =>
    new Worker('Till').on(Order, async (_, ctx) => {
      if (does) await ctx.effect('print', { class: 'at-most-once' }, () => null)
      await ctx.messages.request(Order, 1, { to: 'Nobody', timeout: '1h' })
    })
  const first = await testbed.start(printingWorker(true))
  await send(1)
  while ((await testbed.agent('Nobody').mailbox.counts()).waiting === 0) await testbed.clock.advance('50ms')
  await first.stop()
  const second = await testbed.start(printingWorker(false))
  await untilEmpty(1)
  await second.stop()
  const [dead] = (await testbed.agent('Till').mailbox.deadLetters()).items
  expect(dead?.reason).toContain(why)
  expect([await journals(), await counted('journals_ended')]).toEqual([1, 1])
  clock.skip('31d')
  expect(await cleanUp()).toBe(0)
})

it('A messaging retention of zero is rejected.', async () => {
  await expect(openMessagingTestbed({ config: { retention: '0s' } })).rejects.toMatchObject({
    code: 'validation.failed',
  })
  await open({})
})

it('A mailbox shows the last 500 acknowledged messages, and retains dead letters for 30 days.', async () => {
  await open({ maxAttempts: 1 })
  const { mailbox } = testbed.agent('Till')
  const acknowledge = async (from: number, count: number) => {
    for (let n = from; n < from + count; n++) await send(n)
    for (let left = count; left > 0; ) {
      const deliveries = await mailbox.receive({ max: 5 })
      for (const delivery of deliveries) await delivery.ack()
      left -= deliveries.length
      await testbed.clock.advance('1ms')
    }
  }
  await send(-1)
  await (await mailbox.receive())[0]?.nack({ reason: 'no' })
  await acknowledge(0, 1_000)
  const shown = await mailbox.total()
  // They are let go of now and then, those of one moment together.
  expect(shown).toBeGreaterThan(490)
  expect(shown).toBeLessThan(700)
  expect((await mailbox.messages({ limit: 1 })).items[0]?.payload).toBe(1_000 - shown)
  clock.skip('29d')
  await acknowledge(1_000, 200)
  expect(await mailbox.counts()).toMatchObject({ dead: 1 })
  await testbed.clock.advance('1d')
  await acknowledge(1_200, 200)
  expect(await mailbox.counts()).toMatchObject({ dead: 0 })
})

it('A mailbox deletes ended messages although each process handles few of them.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-messages-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const url = `sqlite:${join(folder, 'troupe.db')}`
  clock = createSkippingClock()
  for (let opened = 0; opened < 16; opened++) {
    if (opened > 0) await testbed.close()
    testbed = await openMessagingTestbed({ url, clock, seed: `process ${opened}` })
    await Promise.all(Array.from({ length: 60 }, (_, n) => send(n)))
    const { mailbox } = testbed.agent('Till')
    for (let left = 60; left > 0; left--) for (const delivery of await mailbox.receive()) await delivery.ack()
    await testbed.clock.advance('1ms')
  }
  await expect.poll(() => counted('messages'), { timeout: 30_000 }).toBeLessThan(700)
})

it('Mailboxes with one message each forget dedupe ids after a day.', async () => {
  await open({})
  const handle = async (name: string) => {
    for (let n = 0; n < 400; n++) {
      const to = `${name}${n}`
      await testbed.agent('Host').messages.send(Order, n, { to, dedupeId: to })
      await (await testbed.agent(to).mailbox.receive())[0]?.ack()
    }
  }
  await handle('Till')
  clock.skip('25h')
  await handle('Shop')
  await expect.poll(() => counted('messages where dedupe_id is not null'), { timeout: 30_000 }).toBe(400)
})

it('A mailbox deletes messages that were dropped for newer ones.', async () => {
  await open({ backpressure: 'drop-oldest', capacity: { count: 10 } })
  for (let n = 0; n < 150; n++) {
    for (let i = 0; i < 10; i++) await send(n)
    await testbed.clock.advance('1ms')
  }
  await expect.poll(() => counted('messages'), { timeout: 30_000 }).toBeLessThan(700)
  expect(await testbed.agent('Till').mailbox.counts()).toMatchObject({ waiting: 10 })
})
