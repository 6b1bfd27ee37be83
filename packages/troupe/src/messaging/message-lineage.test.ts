import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { testStorages } from '../../test/postgres/test-databases.ts'
import type { Json } from '../core/index.ts'
import { defineMessage } from './message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from './messaging-testbed.test.fixture.ts'
import { messagingTestbeds, until } from './open-testbeds.test.fixture.ts'
import { Worker } from './workers/worker.ts'

const Order = defineMessage('order', z.object({ n: z.int() }), { reply: z.object({ left: z.number() }) })
const Gift = defineMessage('order.gift', z.object({ n: z.int(), card: z.string() }), { extends: Order })
const Surprise = defineMessage('order.gift.surprise', z.object({ n: z.int(), card: z.string() }), { extends: Gift })
const Other = defineMessage('other')

let users = 0
const { testbed, newFile } = messagingTestbeds()
const storages = await testStorages('lineage')
class Recording extends Worker {
  readonly log: unknown[] = []
}
const sendAll = async ({ agent }: MessagingTestbed, to: string) => {
  const { messages } = agent('A')
  await messages.send(Order, { n: 1 }, { to })
  await messages.send(Gift, { n: 2, card: 'yours' }, { to })
  await messages.send(Surprise, { n: 3, card: 'guess' }, { to })
  await messages.send(Other, 4, { to })
}

describe.each(storages)('a handler of a type at $url', (testStorage) => {
  it('A handler receives messages of extending types that have no nearer handler, each parsed by its own schema.', async () => {
    const made = await testbed({ ...testStorage, user: `user ${users++}` })
    const worker = new Recording('W')
    worker.on(Order, ({ type, payload }) => void worker.log.push(['order', type, payload]))
    worker.on(Gift, ({ type, payload }) => worker.log.push(['gift', type, payload]))
    await made.start(worker)
    await sendAll(made, 'W')
    await until(made.clock, async () => (await made.agent('W').mailbox.counts()).dead === 1)
    expect(worker.log).toEqual([
      ['order', 'order', { n: 1 }],
      ['gift', 'order.gift', { n: 2, card: 'yours' }],
      ['gift', 'order.gift.surprise', { n: 3, card: 'guess' }],
    ])
    const [dead] = (await made.agent('W').mailbox.deadLetters()).items
    expect(dead).toMatchObject({ message: { type: 'other' }, reason: expect.stringContaining('no handler') })
  })
  it('A handler answers a request of a type that extends its type.', async () => {
    const { start, agent } = await testbed({ ...testStorage, user: `user ${users++}` })
    const worker = new Recording('W')
    worker.on(Order, ({ payload }) => {
      worker.log.push(payload)
      return { left: 7 }
    })
    await start(worker)
    const { messages } = agent('A')
    expect(await messages.request(Surprise, { n: 3, card: 'guess' }, { to: 'W' })).toEqual({ left: 7 })
    expect(worker.log).toEqual([{ n: 3 }])
  })
  it('A handler receives messages of a type that its process does not define, after a restart.', async () => {
    const url = newFile()
    const first = await openMessagingTestbed({ url })
    await sendAll(first, 'W')
    await first.close()
    // The parent went on to another version meanwhile: what was sent knows at which one it was a kind of it.
    const Newer = defineMessage('order', z.object({ count: z.int() }), {
      version: 2,
      upcast: { 1: (payload) => ({ count: (payload as { n: number }).n }) as Json },
    })
    const made = await testbed({ url, clock: first.clock })
    const worker = new Recording('W')
    worker.on(Newer, ({ type, version, payload }) => worker.log.push([type, version, payload]))
    await made.start(worker)
    await until(made.clock, async () => (await made.agent('W').mailbox.counts()).dead === 1)
    expect(worker.log).toEqual([
      ['order', 2, { count: 1 }],
      ['order.gift', 2, { count: 2 }],
      ['order.gift.surprise', 2, { count: 3 }],
    ])
  })
  it('A batch handler receives messages of extending types that have no nearer handler.', async () => {
    const made = await testbed({ ...testStorage, user: `user ${users++}` })
    const worker = new Recording('W')
    worker.onBatch(Order, { size: 10, wait: '100ms' }, (batch) => worker.log.push(batch.map(({ payload }) => payload)))
    worker.on(Gift, ({ payload }) => worker.log.push(payload))
    worker.onMessage = ({ payload }) => worker.log.push(payload)
    await made.start(worker)
    await sendAll(made, 'W')
    await made.agent('B').messages.send(Order, { n: 5 }, { to: 'W' })
    await until(made.clock, () => worker.log.length === 4 || worker.log.length === 5)
    await until(made.clock, async () => (await made.agent('W').mailbox.counts()).waiting === 0)
    const flat = worker.log.flat()
    expect(flat).toHaveLength(5)
    expect(flat).toEqual(
      expect.arrayContaining([{ n: 1 }, { n: 5 }, { n: 2, card: 'yours' }, { n: 3, card: 'guess' }, 4]),
    )
  })
  it('A batch handler of a nearer type receives the messages of that type.', async () => {
    const made = await testbed({ ...testStorage, user: `user ${users++}` })
    const worker = new Recording('W')
    worker.on(Order, ({ payload }) => void worker.log.push(payload))
    worker.onBatch(Gift, { size: 2, wait: '100ms' }, (batch) => worker.log.push(batch.map(({ type }) => type)))
    await made.start(worker)
    await sendAll(made, 'W')
    await until(made.clock, () => worker.log.length === 2)
    expect(worker.log).toEqual([{ n: 1 }, ['order.gift', 'order.gift.surprise']])
  })
})

describe('a type that extends another', () => {
  it('A message of an extending type is received and listed as its parent type.', async () => {
    const made = await testbed()
    await sendAll(made, 'B')
    const { mailbox } = made.agent('B')
    const typesOf = async (type: string | typeof Order | typeof Gift) =>
      (await mailbox.messages({ type })).items.map((message) => message.type)
    expect(await typesOf(Order)).toEqual(['order', 'order.gift', 'order.gift.surprise'])
    expect(await typesOf('order.gift')).toEqual(['order.gift', 'order.gift.surprise'])
    expect(await mailbox.total({ type: Order })).toBe(3)
    expect(await mailbox.receive({ types: [Gift] })).toEqual([])
    const received = await mailbox.receive({ types: [Order] })
    expect(received.map(({ message }) => message.payload)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })
  it('A message of an extending type is rejected if its payload does not fit the parent type.', async () => {
    const { agent } = await testbed()
    const Odd = defineMessage('odd', z.object({ n: z.string() }), { extends: Order })
    await expect(agent('A').messages.send(Odd, { n: 'five' }, { to: 'B' })).rejects.toMatchObject({
      code: 'validation.failed',
      message: expect.stringContaining('as order'),
    })
  })
  it('A message type inherits the reply and the ordering of its parent unless it defines its own.', () => {
    const Loose = defineMessage('loose', undefined, { ordering: 'none' })
    expect(defineMessage('child', undefined, { extends: Loose }).ordering).toBe('none')
    expect(defineMessage('child', undefined, { extends: Loose, ordering: 'lane' }).ordering).toBe('lane')
    expect(Gift.reply).toBe(Order.reply)
  })
  it('A message type is rejected if its name is in its lineage, is not storable, or is the seventeenth level.', () => {
    expect(() => defineMessage('order', undefined, { extends: Gift })).toThrow(/its own name/)
    expect(() => defineMessage('a\tb', undefined, { extends: Gift })).toThrow(/no tab/)
    let deep = defineMessage('0')
    expect(() => {
      for (let i = 1; i < 20; i++) deep = defineMessage(String(i), undefined, { extends: deep })
    }).toThrow(/more than 16/)
  })
})

it('A message type that is above itself is rejected.', async () => {
  const { agent } = await testbed()
  const circular: { name: string; version: number; parent?: unknown } = { name: 'circular', version: 1 }
  circular.parent = circular
  const sent = agent('A').messages.send(circular as never, 1 as never, { to: 'B' })
  await expect(sent).rejects.toThrow(/circular .*above itself/)
  expect(() => defineMessage('below', undefined, { extends: circular as never })).toThrow(/above itself/)
})
