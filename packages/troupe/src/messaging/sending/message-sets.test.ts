/** Turns that send many messages: they are stored in sets, and find what each of them would find by itself. */
import { describe, expect, it } from 'vitest'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import type { MessageClient } from '../message-client.ts'
import { defineMessage } from '../message-type.ts'
import type { MessagingConfig } from '../messaging-config.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'

const Note = defineMessage<number>('note')
const Free = defineMessage<number>('free', undefined, { ordering: 'none' })
const { testbed, newFile } = messagingTestbeds()
const databases = await testStorages('message_sets')
const storages = [
  ...databases.map((options) => ({ name: options.url ? 'PostgreSQL' : 'memory', options })),
  { name: 'file', options: {} },
]
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
let users = 0

describe.each(storages)('a set of messages: $name', ({ name, options }) => {
  const locationOf = () => (name === 'file' ? { url: newFile() } : { ...options, user: `sets ${++users}` })
  const open = async (config: MessagingConfig = {}, encrypted = false) => {
    const made = await testbed({ ...locationOf(), config, encrypted })
    let steps = 0
    const turn = async (run: (messages: MessageClient) => Promise<unknown>) => {
      const end = await made.step('A', `step:sets ${users} ${++steps}`, async (messages) => {
        await run(messages)
        return null
      })
      expect(end).toMatchObject({ status: 'completed' })
    }
    return { ...made, turn }
  }

  it('A turn of 3,000 messages to three agents delivers all of them in the order of the sends.', async () => {
    const { agent, turn } = await open()
    await turn(async (messages) => {
      for (const n of numbers(3_000)) await messages.send(Note, n, { to: `B${n % 3}` })
    })
    for (const rest of [0, 1, 2]) {
      const { mailbox } = agent(`B${rest}`)
      expect(await mailbox.counts()).toMatchObject({ waiting: 1_000 })
      const got = (await mailbox.receive({ max: 1_000 })).map(({ message }) => message.payload)
      expect(got).toEqual(numbers(1_000).map((n) => 3 * n + rest))
    }
  })

  it('A full mailbox holds back the rest of a set and of later turns, and lets it out in order.', async () => {
    const { agent, turn, clock } = await open({ capacity: { count: 20 }, backpressure: 'wait' })
    await turn(async (messages) => {
      for (const n of numbers(50)) await messages.send(Note, n, { to: 'B' })
    })
    await turn(async (messages) => {
      for (const n of numbers(20)) await messages.send(Note, 50 + n, { to: 'B' })
    })
    expect(await agent('B').mailbox.counts()).toMatchObject({ waiting: 20 })
    const got: unknown[] = []
    await until(clock, async () => {
      got.push(...(await agent('B').drain()))
      return got.length === 70
    })
    expect(got).toEqual(numbers(70))
  })

  it('A set holds back a message that is too large for the room, and lets out the small ones behind it.', async () => {
    const { agent, turn, clock } = await open({ capacity: { bytes: 20_000 }, backpressure: 'wait' })
    const Text = defineMessage<string>('text')
    await turn(async (messages) => {
      await messages.send(Text, 'y'.repeat(10_000), { to: 'B' })
      await messages.send(Text, 'z'.repeat(10_000), { to: 'B', priority: 'low' })
      for (const n of numbers(14)) await messages.send(Note, n, { to: 'B' })
    })
    const first = await agent('B').drain()
    const rest: unknown[] = []
    await until(clock, async () => {
      rest.push(...(await agent('B').drain()))
      return first.length + rest.length === 16
    })
    expect([...first, ...rest].map((payload) => (typeof payload === 'string' ? payload[0] : payload))).toEqual(
      expect.arrayContaining(['y', 'z', ...numbers(14)]),
    )
    expect([...first, ...rest].filter((payload) => typeof payload === 'number')).toEqual(numbers(14))
  })

  it('A set keeps priorities, times, dedupe ids, metadata and unordered messages of each of its messages.', async () => {
    const { agent, turn, clock } = await open({}, true)
    await turn(async (messages) => {
      for (const n of numbers(16)) {
        if (n === 3) await messages.send(Note, n, { to: 'B', priority: 'urgent' })
        else if (n === 4) await messages.send(Note, n, { to: 'B', delay: '1m' })
        else if (n === 5 || n === 6) await messages.send(Note, n, { to: 'B', dedupeId: 'same' })
        else if (n === 7) await messages.send(Free, n, { to: 'B', priority: 'low' })
        else if (n === 8) await messages.send(Note, n, { to: 'B', ttl: '1s', priority: 'low' })
        else
          await messages.send(Note, n, { to: 'B', threadId: `thread ${n}`, correlationId: `c ${n}`, metadata: { n } })
      }
    })
    expect(await agent('B').mailbox.counts()).toMatchObject({ waiting: 14, scheduled: 1 })
    const threads = (await agent('B').mailbox.messages({ threadId: 'thread 9' })).items
    expect(threads).toMatchObject([{ payload: 9, correlationId: 'c 9', metadata: { n: 9 }, priority: 'normal' }])
    await clock.advance('2s')
    expect(await agent('B').drain()).toEqual([3, 0, 1, 2, 5, 9, 10, 11, 12, 13, 14, 15, 7])
    const late: unknown[] = []
    await until(
      clock,
      async () => {
        late.push(...(await agent('B').drain()))
        return late.length === 1
      },
      '1s',
    )
    expect(late).toEqual([4])
  })

  it('A set behind earlier messages of its lane continues their order.', async () => {
    const { agent, turn } = await open()
    await turn((messages) => messages.send(Note, 0, { to: 'B' }))
    await turn(async (messages) => {
      for (const n of numbers(21)) await messages.send(Note, 1 + n, { to: 'B' })
    })
    await turn((messages) => messages.send(Note, 22, { to: 'B' }))
    expect(await agent('B').drain()).toEqual(numbers(23))
  })
})
