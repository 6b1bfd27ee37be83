import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import type { Json } from '../../core/index.ts'
import type { MessageClient } from '../message-client.ts'
import { defineMessage } from '../message-type.ts'
import {
  type MessagingTestbed,
  type MessagingTestbedOptions,
  openMessagingTestbed,
} from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { Worker } from '../workers/worker.ts'
import { MessageRejected } from './message-confirmed.ts'

const Note = defineMessage('note')
const Order = defineMessage('order.place', z.object({ n: z.int() }), { reply: z.object({ left: z.number() }) })

const { testbed, newFile } = messagingTestbeds()
const storages = await testStorages('staged')
let users = 0
const processAll = async ({ clock }: MessagingTestbed) => {
  for (let i = 0; i < 20; i++) await clock.advance('1ms')
}

it('A staged call whose signal has aborted sends nothing.', async () => {
  const made = await testbed()
  const signal = AbortSignal.abort('enough')
  await made.step('A', 'step:1', async (messages) => {
    const rejected = { code: 'cancelled', cause: 'enough' }
    await expect(messages.send(Note, 1, { to: 'B', signal })).rejects.toMatchObject(rejected)
    await expect(messages.broadcast(Note, 1, { to: ['B'], signal })).rejects.toMatchObject(rejected)
    return null
  })
  expect(await made.agent('B').mailbox.receive()).toEqual([])
})

it('A step that sends in a loop lets other work of its process have its turn.', async () => {
  const made = await testbed()
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  await made.step('A', 'step:1', async (messages) => {
    setImmediate(count)
    for (let n = 0; n < 1_000; n++) await messages.send(Note, n, { to: 'B' })
    isOver = true
    return null
  })
  expect(turns).toBeGreaterThanOrEqual(9)
  expect(await made.agent('B').mailbox.counts()).toMatchObject({ unread: 1_000 })
})

it('A send, live or staged, uses its options as they were at the call.', async () => {
  const made = await testbed()
  const sendAll = async (messages: MessageClient) => {
    const metadata = { counter: { n: 0 } }
    const at = new Date(0)
    const sends = [1, 2].map((n) => {
      metadata.counter.n = n
      return messages.send(Note, n, { to: 'B', metadata, at })
    })
    const to = ['B']
    sends.push(messages.broadcast(Note, 3, { to, metadata }) as never)
    to.push('C')
    metadata.counter.n = 4
    at.setFullYear(3000)
    await Promise.all(sends)
    return null
  }
  await sendAll(made.agent('A').messages)
  await made.step('A', 'step:1', sendAll)
  const { items } = await made.agent('B').mailbox.messages()
  const received = items.map(({ payload, metadata }) => [payload, metadata])
  const once = [1, 2, 3].map((n) => [n, { counter: { n: Math.min(n, 2) } }])
  expect(received).toEqual([...once, ...once])
  expect((await made.agent('C').mailbox.messages()).items).toEqual([])
})

it('A turn sends its messages in the order of the calls when it commits, and a failed step sends nothing.', async () => {
  const made = await testbed()
  const b = made.agent('B')
  const sent = await made.step('A', 'step:1', async (messages, recorder) => {
    const one = messages.send(Note, 1, { to: 'B', threadId: 't' })
    const two = messages.send(Note, 2, { to: 'B' })
    expect((await one).id).not.toBe((await two).id)
    expect(await b.mailbox.receive()).toEqual([])
    await recorder.commit()
    expect((await b.mailbox.messages()).items.map(({ payload, from }) => [payload, from])).toEqual([
      [1, 'A'],
      [2, 'A'],
    ])
    await messages.send(Note, 3, { to: 'B' })
    return (await one).id
  })
  expect(sent.status).toBe('completed')
  const failed = await made.step('A', 'step:2', async (messages) => {
    await messages.send(Note, 4, { to: 'B' })
    throw new Error('no')
  })
  expect(failed.status).toBe('failed')
  const [first] = await b.mailbox.receive()
  expect(first?.message).toMatchObject({
    id: sent.status === 'completed' && sent.outcome,
    provenance: { agent: 'A', stepId: 'step:1' },
  })
  await first?.ack()
  await first?.nack().catch(() => {})
  made.clock.advance('1m')
  expect(await b.drain()).toEqual([])
})
it('A committed turn delivers its message to a receive that waits.', async () => {
  const made = await testbed()
  const waiting = made.agent('B').mailbox.receive({ wait: '1h' })
  await made.step('A', 'step:1', async (messages) => {
    await messages.send(Note, 1, { to: 'B' })
    return null
  })
  await processAll(made)
  expect((await waiting).map(({ message }) => message.payload)).toEqual([1])
})
it('A staged broadcast or publish reports one outcome for each recipient, all in one thread.', async () => {
  const made = await testbed({ subscribers: { news: ['A', 'C', 'D'] } })
  await made.agent('X').messages.send(Note, 0, { to: 'B' })
  const end = await made.step('A', 'step:1', async (messages) => {
    const all = await messages.broadcast(Note, 'all')
    const news = await messages.publish(Note, 'news', { topic: 'news' })
    const some = await messages.broadcast(Note, 'some', { to: ['', 'E'] })
    return [all.map(({ to }) => to), [...news, ...some].map(({ to, success }) => [to, success])]
  })
  expect(end).toMatchObject({
    status: 'completed',
    outcome: [
      ['B'],
      [
        ['C', true],
        ['D', true],
        ['', false],
        ['E', true],
      ],
    ],
  })
  expect(await made.agent('B').drain()).toEqual([0, 'all'])
  const [c] = await made.agent('C').mailbox.receive()
  const [d] = await made.agent('D').mailbox.receive()
  expect(c?.message.threadId).toBe(d?.message.threadId)
  expect(c?.message.threadId).toBeDefined()
})
it('A committed turn holds back messages to a full mailbox in order, with the backpressure `wait`.', async () => {
  const made = await testbed({ config: { capacity: { count: 2 }, backpressure: 'wait' } })
  const end = await made.step('A', 'step:1', async (messages) => {
    for (const i of [0, 1, 2, 3, 4]) await messages.send(Note, i, { to: 'B' })
    return null
  })
  expect(end.status).toBe('completed')
  const later = made.agent('A').messages.send(Note, 5, { to: 'B' })
  const got: unknown[] = []
  while (got.length < 6) {
    await processAll(made)
    const deliveries = await made.agent('B').mailbox.receive({ max: 10 })
    expect(deliveries.length).toBeLessThanOrEqual(2)
    for (const delivery of deliveries) {
      got.push(delivery.message.payload)
      await delivery.ack()
    }
  }
  await later
  expect(got).toEqual([0, 1, 2, 3, 4, 5])
})
it('A committed turn returns rejected messages to their sender, with the backpressure `reject`.', async () => {
  const made = await testbed({ config: { capacity: { count: 1 } } })
  const end = await made.step('A', 'step:1', async (messages) => {
    for (const i of [0, 1]) await messages.send(Note, i, { to: 'B', correlationId: `c${i}` })
    return null
  })
  expect(end.status).toBe('completed')
  await processAll(made)
  expect(await made.agent('B').drain()).toEqual([0])
  const [rejected] = await made.agent('A').mailbox.receive({ types: [MessageRejected] })
  expect(rejected?.message).toMatchObject({ from: 'B', correlationId: 'c1', payload: { to: 'B', type: 'note' } })
})
it('A committed turn drops older messages to make room, with the backpressure `drop-oldest`.', async () => {
  const made = await testbed({ config: { capacity: { count: 2 }, backpressure: 'drop-oldest' } })
  await made.step('A', 'step:1', async (messages) => {
    for (const i of [0, 1, 2]) await messages.send(Note, i, { to: 'B' })
    return null
  })
  await processAll(made)
  expect(await made.agent('B').drain()).toEqual([1, 2])
})
it('A restarted process sends what a full mailbox held back.', async () => {
  const url = newFile()
  const first = await openMessagingTestbed({ url, config: { capacity: { count: 1 }, backpressure: 'wait' } })
  await first.step('A', 'step:1', async (messages) => {
    for (const i of [0, 1]) await messages.send(Note, i, { to: 'B' })
    return null
  })
  await first.close()
  const config = { capacity: { count: 5 }, backpressure: 'wait' } as const
  const second = await testbed({ url, seed: 'second', clock: first.clock, config })
  const got: unknown[] = []
  for (let i = 0; i < 50 && got.length < 2; i++) {
    await processAll(second)
    got.push(...(await second.agent('B').drain()))
  }
  expect(got).toEqual([0, 1])
})
it('A request in a step parks the step, and times out by a durable timer.', async () => {
  const made = await testbed()
  await made.start(new Worker('Stock').on(Order, ({ payload }) => ({ left: payload.n * 2 })))
  const ends: unknown[] = []
  const execute = (id: string, to: string) =>
    made.step('A', id, async (messages): Promise<Json> => {
      try {
        return await messages.request(Order, { n: 4 }, { to, timeout: '10s' })
      } catch (error) {
        return { failed: (error as { code: string }).code }
      }
    })
  for (const [id, to] of [
    ['step:1', 'Stock'],
    ['step:2', 'Nobody'],
  ] as const) {
    let end = await execute(id, to)
    for (let i = 0; i < 30 && end.status === 'parked'; i++) {
      await made.clock.advance('1s')
      end = await execute(id, to)
    }
    ends.push(end)
  }
  expect(ends).toMatchObject([
    { status: 'completed', outcome: { left: 8 } },
    { status: 'completed', outcome: { failed: 'timeout' } },
  ])
  expect(await made.agent('Nobody').mailbox.receive()).toEqual([])
})

describe.each(storages)('a request without a possible reply at $url', (testStorage) => {
  /** Of a handler and of a host that ask B, each for an hour. */
  async function asked(
    config: MessagingTestbedOptions['config'],
    then: (made: MessagingTestbed) => Promise<unknown>,
    before?: typeof then,
  ) {
    const made = await testbed({
      ...testStorage,
      user: `user ${users++}`,
      config: { capacity: { count: 2 }, ...config },
    })
    await before?.(made)
    const options = { to: 'B', timeout: '1h' } as const
    const outcomes: unknown[] = []
    const note = (error: unknown) => void outcomes.push((error as { readonly code: string }).code)
    await made.start(
      new Worker('A').on(Note, async (_, { messages }) => {
        await messages.request(Note, 'may I?', options).catch(note)
      }),
    )
    const { messages } = made.agent('Host')
    await messages.send(Note, 'ask', { to: 'A' })
    messages.request(Note, 'may I?', options).catch(note)
    if (!before) await until(made.clock, async () => (await made.agent('B').mailbox.counts()).waiting === 2)
    await then(made)
    await until(made.clock, () => outcomes.length === 2)
    return outcomes
  }
  it('A request fails at once if the mailbox of its recipient is full.', async () => {
    const fill = async ({ agent }: MessagingTestbed) => {
      for (const n of [1, 2]) await agent('X').messages.send(Note, n, { to: 'B' })
    }
    expect(await asked({}, async () => {}, fill)).toEqual(['mailbox.full', 'mailbox.full'])
  })
  it('A request fails at once if it is dropped.', async () => {
    const push = async ({ agent }: MessagingTestbed) => {
      for (const n of [1, 2]) await agent('X').messages.send(Note, n, { to: 'B' })
    }
    expect(await asked({ backpressure: 'drop-oldest' }, push)).toEqual(['request.failed', 'request.failed'])
  })
  it('A request fails at once if its consumer vanishes at the last attempt.', async () => {
    const vanish = async ({ agent, clock }: MessagingTestbed) => {
      expect(await agent('B').mailbox.receive()).toHaveLength(2)
      await clock.advance('1s')
      await agent('B').mailbox.receive()
    }
    expect(await asked({ lease: '1s', maxAttempts: 1 }, vanish)).toEqual(['request.failed', 'request.failed'])
  })
  it('A request fails at once if it is acknowledged without a reply.', async () => {
    const acknowledge = async ({ agent }: MessagingTestbed) => {
      for (const delivery of await agent('B').mailbox.receive()) await delivery.ack()
    }
    expect(await asked({}, acknowledge)).toEqual(['request.unanswered', 'request.unanswered'])
  })
  it('A request fails at once if it is read and then removed to make room.', async () => {
    const read = async ({ agent }: MessagingTestbed) => {
      const { mailbox } = agent('B')
      await mailbox.markRead((await mailbox.messages()).items.map(({ id }) => id))
      await agent('X').messages.send(Note, 'a third', { to: 'B' })
    }
    expect(await asked({}, read)).toEqual(['request.failed', 'request.failed'])
  })
})
