import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds, unhandledDuring } from '../open-testbeds.test.fixture.ts'

const Note = defineMessage<string | number>('note')
const Order = defineMessage('order', z.object({ n: z.int() }))

const { testbed } = messagingTestbeds()
const waiting = async (agent: ReturnType<MessagingTestbed['agent']>) => (await agent.mailbox.counts()).waiting

describe('a batch of sends', () => {
  it('A batch of sends is sent when it is full, and each send resolves with its stored message.', async () => {
    const { agent } = await testbed()
    const batch = agent('A').messages.batched({ size: 3 })
    const first = [1, 2].map((n) => batch.send(Note, n, { to: 'B' }))
    expect(await waiting(agent('B'))).toBe(0)
    const sent = await Promise.all([...first, batch.send(Note, 3, { to: 'B' })])
    expect(sent.map(({ payload }) => payload)).toEqual([1, 2, 3])
    expect(await agent('B').drain()).toEqual([1, 2, 3])
  })
  it('A batch of sends is sent after five seconds or with ten messages by default.', async () => {
    const { agent, clock } = await testbed()
    const batch = agent('A').messages.batched()
    const sent = batch.send(Note, 'alone', { to: 'B' })
    await clock.advance('4s')
    expect(await waiting(agent('B'))).toBe(0)
    await clock.advance('1s')
    await sent
    const ten = Array.from({ length: 10 }, (_, n) => batch.send(Note, n, { to: 'B' }))
    await Promise.all(ten)
    expect(await waiting(agent('B'))).toBe(11)
  })
  it('A batch of sends is sent at once with an urgent message, and each priority preserves its order.', async () => {
    const { agent } = await testbed()
    const batch = agent('A').messages.batched()
    const sent = [
      batch.send(Note, 'low', { to: 'B', priority: 'low' }),
      batch.send(Note, 'first', { to: 'B' }),
      batch.send(Note, 'second', { to: 'B' }),
      batch.send(Note, 'now', { to: 'B', priority: 'urgent' }),
    ]
    await Promise.all(sent)
    expect(await agent('B').drain()).toEqual(['now', 'first', 'second', 'low'])
  })
  it('A batch of sends that closes sends messages to a topic whose subscribers are being read, and those after it.', async () => {
    const { agent } = await testbed({ subscribers: { news: ['B'] } })
    for (const end of ['flush', 'close']) {
      const batch = agent('A').messages.batched()
      const sent = [batch.publish(Note, 1, { topic: 'news' }), batch.send(Note, 2, { to: 'B' })]
      await (end === 'flush' ? batch.flush() : batch[Symbol.asyncDispose]())
      await Promise.all(sent)
      expect(await agent('B').drain()).toEqual([1, 2])
    }
  })
  it('A batch of sends flushes at the priority `flushOn`, or never.', async () => {
    const { agent } = await testbed()
    const eager = agent('A').messages.batched({ flushOn: 'high' })
    await eager.send(Note, 1, { to: 'B', priority: 'high' })
    const neverFlushing = agent('A').messages.batched({ flushOn: 'never' })
    const sent = neverFlushing.send(Note, 2, { to: 'B', priority: 'urgent' })
    expect(await waiting(agent('B'))).toBe(1)
    await neverFlushing.flush()
    await sent
    expect(await waiting(agent('B'))).toBe(2)
  })
  it('A batch of sends rejects a failed send to its caller alone, and an invalid send at once.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 2 } } })
    const batch = agent('A').messages.batched({ size: 4 })
    const wrong = batch.send(Order, { n: 0.5 }, { to: 'B' })
    await expect(wrong).rejects.toMatchObject({ code: 'validation.failed' })
    const sent = ['a', 'b', 'too many', 'd'].map((payload, i) => batch.send(Note, payload, { to: i === 3 ? 'C' : 'B' }))
    const outcomes = await Promise.allSettled(sent)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[2]).toMatchObject({ reason: { code: 'mailbox.full' } })
    expect(await agent('B').drain()).toEqual(['a', 'b'])
  })
  it('A batch of sends omits a send that is aborted while it waits.', async () => {
    const { agent } = await testbed()
    const batch = agent('A').messages.batched()
    const ended = new AbortController()
    const aborted = batch.send(Note, 'aborted', { to: 'B', signal: ended.signal })
    const queued = batch.send(Note, 'kept', { to: 'B' })
    ended.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' })
    await batch.flush()
    await queued
    expect(await agent('B').drain()).toEqual(['kept'])
  })
  it('A batch of sends keeps broadcasts complete, and a request does not overtake it.', async () => {
    const { agent, clock } = await testbed()
    const batch = agent('A').messages.batched()
    const sent = batch.broadcast(Note, 'all', { to: ['B', 'C'] })
    await clock.advance('1ms')
    const answer = batch.request(Note, 'question', { to: 'B' })
    expect((await sent).map(({ success }) => success)).toEqual([true, true])
    const [first] = await agent('B').mailbox.receive({ max: 1 })
    expect(first?.message.payload).toBe('all')
    await first?.ack()
    const [second] = await agent('B').mailbox.receive({ wait: '1s' })
    await second?.reply('answer')
    expect(await answer).toBe('answer')
  })
  it('A batch of sends is sent when it is disposed of and when the troupe closes, and rejects later sends.', async () => {
    const first = await openMessagingTestbed()
    const disposed = first.agent('A').messages.batched()
    const one = disposed.send(Note, 1, { to: 'B' })
    await disposed[Symbol.asyncDispose]()
    expect((await one).payload).toBe(1)
    await expect(disposed.send(Note, 2, { to: 'B' })).rejects.toThrow(/it is closed/)
    const left = first.agent('A').messages.batched()
    const two = left.send(Note, 2, { to: 'B' })
    await first.close()
    expect((await two).payload).toBe(2)
  })
  it('A closed batch of sends rejects an invalid message only to its caller.', async () => {
    const { agent } = await testbed()
    const batch = agent('A').messages.batched()
    await batch[Symbol.asyncDispose]()
    const unhandled = await unhandledDuring(async () => {
      await expect(batch.send(Order, { n: 0.5 }, { to: 'B' })).rejects.toThrow(/it is closed/)
    })
    expect(unhandled).toEqual([])
  })
  it('A batch of sends rejects a send beyond its bound of unresolved sends.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 20_000 } } })
    const batch = agent('A').messages.batched({ size: 1_000 })
    const sent = Array.from({ length: 10_001 }, (_, n) => batch.send(Note, n, { to: 'B' }))
    const outcomes = await Promise.allSettled([...sent, batch.flush()])
    const rejected = outcomes.filter(({ status }) => status === 'rejected')
    expect(rejected).toEqual([{ status: 'rejected', reason: expect.objectContaining({ code: 'batch.unresolved' }) }])
  })
  it('A batch of sends rejects unknown options and sizes out of range.', async () => {
    const { agent } = await testbed()
    const { messages } = agent('A')
    expect(() => messages.batched({ sizes: 3 } as never)).toThrow(/size/)
    expect(() => messages.batched({ size: 0 })).toThrow(/1 to 1,000/)
    expect(() => messages.batched({ flushOn: 'soon' as never })).toThrow(/never/)
  })
})
