import { expect, it, vi } from 'vitest'
import { createVirtualClock, systemClock } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { Worker } from './worker.ts'
import { WorkerIntake } from './worker-intake.ts'

const Note = defineMessage<string | number>('note')
const Parcel = defineMessage<number>('parcel')
const Letter = defineMessage<number>('letter')
const { testbed } = messagingTestbeds()

class Recording extends Worker {
  readonly log: unknown[] = []
}

it('A worker handles as many messages at once as its concurrency allows, never two of one sender.', async () => {
  const { start, agent, clock } = await testbed()
  const worker = new Recording('W', { concurrency: 2 })
  let peak = 0
  const working = new Set<string>()
  let count = 0
  worker.on(Note, async ({ from }) => {
    expect(working.has(from)).toBe(false)
    working.add(from)
    peak = Math.max(peak, working.size)
    for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
    working.delete(from)
    count++
  })
  for (const from of ['X', 'Y', 'Z']) for (let i = 0; i < 4; i++) await agent(from).messages.send(Note, i, { to: 'W' })
  await start(worker)
  await until(clock, () => count === 12)
  expect(peak).toBe(2)
})

it('A worker counts a batch as one of the handlers that its concurrency allows, and each kind gets its turn.', async () => {
  const { start, agent, clock } = await testbed()
  const worker = new Recording('W')
  let [atOnce, peak] = [0, 0]
  const handle = async (what: string) => {
    peak = Math.max(peak, ++atOnce)
    for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
    atOnce--
    worker.log.push(what)
  }
  worker.on(Note, () => handle('note'))
  for (const type of [Parcel, Letter]) worker.onBatch(type, { size: 2, wait: '1ms' }, () => handle(type.name))
  await start(worker)
  for (let i = 0; i < 6; i++)
    for (const type of [Note, Parcel, Letter]) await agent(`${type.name}-${i}`).messages.send(type, i, { to: 'W' })
  await until(clock, async () => (await agent('W').mailbox.counts()).waiting === 0 && atOnce === 0)
  expect(peak).toBe(1)
  expect(worker.log.filter((what) => what === 'note')).toHaveLength(6)
  for (const type of [Parcel, Letter])
    expect(worker.log.indexOf(type.name)).toBeLessThan(worker.log.lastIndexOf('note'))
})

it('A worker that stops releases the messages that wait for its handler to end.', async () => {
  const { start, agent } = await testbed()
  const worker = new Recording('W')
  const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  worker.onBatch(Parcel, { size: 1, wait: '1ms' }, async () => {
    begun.resolve()
    await mayEnd.promise
  })
  worker.on(Note, ({ payload }) => void worker.log.push(payload))
  const running = await start(worker)
  await agent('A').messages.send(Parcel, 1, { to: 'W' })
  await begun.promise
  await agent('B').messages.send(Note, 2, { to: 'W' })
  await agent('W').mailbox.counts()
  const stopped = running.stop()
  mayEnd.resolve()
  await stopped
  expect(worker.log).toEqual([])
  expect(await agent('W').drain()).toEqual([2])
})

it('A worker gathers batches by size or by time, and finds the culprit of a failed one.', async () => {
  const { start, agent, clock } = await testbed({ config: { maxAttempts: 2 } })
  const worker = new Recording('W')
  worker.onBatch(Note, { size: 3, wait: '5s' }, (messages) => {
    const payloads = messages.map(({ payload }) => payload)
    worker.log.push(payloads)
    if (payloads.includes('bad')) throw new Error('bad')
  })
  await start(worker)
  for (const i of [0, 1, 2]) await agent('A').messages.send(Note, i, { to: 'W' })
  await until(clock, () => worker.log.length === 1, '1ms')
  await agent('A').messages.send(Note, 3, { to: 'W' })
  await clock.advance('4s')
  expect(worker.log).toEqual([[0, 1, 2]])
  await until(clock, () => worker.log.length === 2)
  expect(worker.log).toEqual([[0, 1, 2], [3]])
  for (const payload of ['x', 'bad', 'y']) await agent(`from-${payload}`).messages.send(Note, payload, { to: 'W' })
  await until(clock, async () => (await agent('W').mailbox.counts()).dead === 1)
  await until(clock, async () => (await agent('W').mailbox.counts()).waiting === 0)
  expect((await agent('W').mailbox.deadLetters()).items.map(({ message }) => message.payload)).toEqual(['bad'])
  expect(worker.log.slice(2)).toEqual(expect.arrayContaining([['x', 'bad', 'y'], ['x'], ['bad'], ['y']]))
})

it('A worker stops only when its handlers have ended, and loses no message.', async () => {
  const { start, agent } = await testbed()
  const worker = new Recording('W')
  worker.on(Note, async ({ payload }) => {
    for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
    worker.log.push(payload)
  })
  let stopped = 0
  worker.onStop = () => {
    stopped = worker.log.length
  }
  for (const i of [0, 1, 2, 3, 4]) await agent('A').messages.send(Note, i, { to: 'W' })
  const running = await start(worker)
  for (let i = 0; i < 10; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
  await running.stop()
  expect(stopped).toBe(worker.log.length)
  expect([...worker.log, ...(await agent('W').drain())]).toEqual([0, 1, 2, 3, 4])
})

it('A worker intake adds nothing to a handler that hangs with each message that it handles meanwhile.', async () => {
  const { agent, mailboxes } = await testbed()
  const hanging = Promise.withResolvers<void>()
  const reactions = vi.spyOn(hanging.promise, 'then')
  let count = 0
  const intake = new WorkerIntake({
    user: 'ada',
    worker: { name: 'W', options: { concurrency: 2 } },
    registered: { handlers: new Map(), batches: new Map() },
    mailboxes,
    handle: (deliveries) =>
      deliveries[0]?.message.from === 'X'
        ? ({ finally: () => hanging.promise } as Promise<void>)
        : Promise.all(deliveries.map((delivery) => delivery.ack())).then(() => void count++),
    failed: () => {},
  })
  await agent('X').messages.send(Note, 0, { to: 'W' })
  for (let i = 0; i < 50; i++) await agent('Y').messages.send(Note, i, { to: 'W' })
  intake.start()
  await until(createVirtualClock(), () => count === 50)
  expect(reactions.mock.calls.length).toBeLessThan(10)
  hanging.resolve()
  intake.stop()
  await intake.idle()
})
