import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, unhandledDuring } from '../open-testbeds.test.fixture.ts'
import { MessageConfirmed } from './message-confirmed.ts'

const Note = defineMessage('note')
const Order = defineMessage('order.place', z.object({ n: z.int() }), { reply: z.object({ left: z.number() }) })

const { testbed } = messagingTestbeds()

describe('messages of a closed troupe', () => {
  it('A request after the close rejects an invalid payload only to its caller.', async () => {
    const { agent, mailboxes } = await testbed()
    const { messages } = agent('A')
    await mailboxes.close()
    const unhandled = await unhandledDuring(async () => {
      const answer = messages.request(Order, { n: 0.5 }, { to: 'B' })
      await expect(answer).rejects.toMatchObject({ code: 'troupe.closed' })
    })
    expect(unhandled).toEqual([])
  })
})

describe('types of messages', () => {
  it('A message type rejects an invalid payload at the send, and names the place.', async () => {
    const { agent } = await testbed()
    await expect(agent('A').messages.send(Order, { n: 1.5 }, { to: 'B' })).rejects.toMatchObject({
      name: 'ValidationError',
      code: 'validation.failed',
    })
    await expect(agent('A').messages.send(Order, { n: 'x' } as never, { to: 'B' })).rejects.toThrow(/n:/)
    expect(await agent('B').drain()).toEqual([])
  })
  it('A message type checks payloads at the receipt, and dead-letters an invalid one with the reason.', async () => {
    const { agent } = await testbed()
    const Loose = defineMessage('order.place')
    await agent('A').messages.send(Loose, { n: 'many' }, { to: 'B' })
    await agent('A').messages.send(Loose, { n: 2 }, { to: 'B' })
    const got = await agent('B').mailbox.receive({ types: [Order], max: 1 })
    expect(got.map(({ message }) => message.payload)).toEqual([{ n: 2 }])
    expect((await agent('B').mailbox.deadLetters()).items[0]?.reason).toMatch(/order.place.*n/)
  })
  it('A message type applies schema defaults, and rejects a schema that does not accept its own output.', async () => {
    const { agent } = await testbed()
    const Filled = defineMessage('filled', z.object({ a: z.number().default(1) }))
    await agent('A').messages.send(Filled, {} as never, { to: 'B' })
    expect(await agent('B').drain()).toEqual([{ a: 1 }])
    const Once = defineMessage('once', z.string().transform(Number))
    await expect(agent('A').messages.send(Once, '5' as never, { to: 'B' })).rejects.toThrow(/as its schema changes it/)
  })
  it('A message type upcasts older versions step by step, and dead-letters newer ones.', async () => {
    const { agent } = await testbed()
    const Original = defineMessage('v', z.string())
    const Third = defineMessage('v', z.object({ text: z.string(), size: z.number() }), {
      version: 3,
      upcast: {
        1: (text) => ({ text }),
        2: (payload) => ({ ...(payload as { text: string }), size: 0 }),
      },
    })
    await agent('A').messages.send(Original, 'x', { to: 'B' })
    const [delivery] = await agent('B').mailbox.receive({ types: [Third] })
    expect(delivery?.message).toMatchObject({ payload: { text: 'x', size: 0 }, version: 3 })
    await delivery?.ack()
    await agent('A').messages.send(Third, { text: 'y', size: 1 }, { to: 'B' })
    expect(await agent('B').mailbox.receive({ types: [Original] })).toEqual([])
    expect((await agent('B').mailbox.deadLetters()).items[0]?.reason).toMatch(/version 3/)
  })
  it('A message type with an invalid name, version or option is rejected when it is defined.', () => {
    expect(() => defineMessage('')).toThrow()
    expect(() => defineMessage('x', undefined, { version: 0 })).toThrow(/version/)
    expect(() => defineMessage('x', undefined, { orderin: 'none' } as never)).toThrow(/orderin/)
    expect(() => defineMessage('x', undefined, { version: 3, upcast: { 1: (payload) => payload } })).toThrow(
      /version 2/,
    )
  })
  it('A message carries JSON exactly, special strings included, and other values are rejected.', async () => {
    const { agent } = await testbed()
    const values = [
      'nul \u0000',
      '\ud800 lone',
      '😀',
      JSON.parse('{"__proto__":{"x":1}}'),
      { toJSON: 'x' },
      [1e21, 5e-324, null],
    ]
    for (const value of values) await agent('A').messages.send(Note, value, { to: 'B' })
    const got = await agent('B').drain()
    expect(got.map((value) => JSON.stringify(value))).toEqual(values.map((value) => JSON.stringify(value)))
    for (const value of [undefined, new Date(), 1n, -0, () => 1])
      await expect(agent('A').messages.send(Note, value as never, { to: 'B' })).rejects.toMatchObject({
        code: 'json.unsupported',
      })
  })
})

describe('broadcast and publish', () => {
  it('A broadcast gives one outcome for each recipient, without the sender, in one thread.', async () => {
    const { agent } = await testbed()
    const outcomes = await agent('A').messages.broadcast(Note, { hi: 1 }, { to: ['A', 'B', 'C', 'B'] })
    expect(outcomes.map(({ to, success }) => [to, success])).toEqual([
      ['B', true],
      ['C', true],
    ])
    const [b] = await agent('B').mailbox.receive()
    const [c] = await agent('C').mailbox.receive()
    expect(b?.message.threadId).toBe(c?.message.threadId)
    expect(await agent('A').drain()).toEqual([])
  })
  it('A broadcast continues after a recipient that fails.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 1 } } })
    await agent('A').messages.send(Note, 0, { to: 'B' })
    const outcomes = await agent('A').messages.broadcast(Note, 1, { to: ['B', '', 'C'] })
    expect(outcomes).toMatchObject([
      { to: 'B', success: false, error: { code: 'mailbox.full' } },
      { to: '', success: false, error: { code: 'name.invalid' } },
      { to: 'C', success: true },
    ])
  })
  it('A broadcast and a publish apply the options of a send to each recipient.', async () => {
    const { agent, clock } = await testbed({ subscribers: { news: ['B', 'C'] } })
    const { messages } = agent('A')
    const options = { delay: '1m', ttl: '1m', dedupeId: 'once', priority: 'high', correlationId: 'c' } as const
    await messages.send(Note, 0, { ...options, to: 'B' })
    const outcomes = await messages.publish(Note, 1, { ...options, topic: 'news' })
    expect(outcomes).toMatchObject([
      { to: 'B', success: true, duplicate: true },
      { to: 'C', success: true },
    ])
    expect(outcomes[1]).not.toHaveProperty('duplicate')
    expect(await agent('C').drain()).toEqual([])
    await clock.advance('1m')
    const [delivery] = await agent('C').mailbox.receive()
    expect(delivery?.message).toMatchObject({ payload: 1, priority: 'high', correlationId: 'c' })
    await clock.advance('2m')
    expect(await agent('B').drain()).toEqual([])
  })
  it('A broadcast with an invalid payload is rejected as a whole.', async () => {
    const { agent } = await testbed()
    await expect(agent('A').messages.broadcast(Order, { n: 'x' } as never, { to: ['B'] })).rejects.toMatchObject({
      code: 'validation.failed',
    })
  })
  it('A broadcast reaches every agent with a mailbox, and a publish reaches the subscribers of its topic.', async () => {
    const { agent } = await testbed({ subscribers: { news: ['B', 'A', 'D'] } })
    await agent('A').messages.send(Note, 0, { to: 'B' })
    await agent('B').messages.send(Note, 0, { to: 'C' })
    expect((await agent('A').messages.broadcast(Note, 1)).map(({ to }) => to).sort()).toEqual(['B', 'C'])
    expect((await agent('A').messages.publish(Note, 2, { topic: 'news' })).map(({ to }) => to)).toEqual(['B', 'D'])
    expect(await agent('D').drain()).toEqual([2])
    expect(await agent('A').messages.publish(Note, 2, { topic: 'nobody' })).toEqual([])
  })
})

describe('requests', () => {
  it('A request is answered by a reply, which acknowledges it and is not a message of the requester.', async () => {
    const { agent } = await testbed()
    const answer = agent('A').messages.request(Order, { n: 1 }, { to: 'B' })
    const [delivery] = await agent('B').mailbox.receive({ wait: '10s' })
    expect(delivery?.message).toMatchObject({ expectsReply: true, type: 'order.place' })
    await delivery?.reply({ left: 4 })
    expect(await answer).toEqual({ left: 4 })
    expect(await agent('A').drain()).toEqual([])
    expect((await agent('A').mailbox.messages()).items).toEqual([])
    expect(await agent('B').mailbox.counts()).toMatchObject({ leased: 0, waiting: 0 })
  })
  it('A request times out, and is not delivered afterwards.', async () => {
    const { agent, clock } = await testbed()
    const answer = agent('A').messages.request(Order, { n: 1 }, { to: 'Nobody', timeout: '5s' })
    const failed = expect(answer).rejects.toMatchObject({ name: 'TimeoutError', code: 'timeout' })
    await clock.advance('5s')
    await failed
    expect(await agent('Nobody').mailbox.receive()).toEqual([])
  })
  it('A request waits for 30 seconds by default.', async () => {
    const { agent, clock } = await testbed()
    let ended: unknown
    agent('A')
      .messages.request(Order, { n: 1 }, { to: 'Nobody' })
      .catch((error: unknown) => {
        ended = error
      })
    await clock.advance('29s')
    expect(ended).toBeUndefined()
    await clock.advance('1s')
    expect(ended).toMatchObject({ code: 'timeout' })
  })
  it('A request ends with its signal, and is not delivered afterwards.', async () => {
    const { agent, clock } = await testbed()
    const stop = new AbortController()
    const answer = agent('A').messages.request(Order, { n: 1 }, { to: 'Nobody', signal: stop.signal })
    const failed = expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    await clock.advance('1ms')
    stop.abort()
    await failed
    expect(await agent('Nobody').mailbox.receive(), 'nobody waits for it any more').toEqual([])
  })
  it('A reply that is late is ignored, and acknowledges its request.', async () => {
    const { agent, clock } = await testbed({ config: { lease: '1m' } })
    const answer = agent('A').messages.request(Order, { n: 1 }, { to: 'B', timeout: '5s' })
    const failed = expect(answer).rejects.toMatchObject({ code: 'timeout' })
    const [delivery] = await agent('B').mailbox.receive({ wait: '1s' })
    await clock.advance('5s')
    await failed
    await delivery?.reply({ left: 1 })
    expect(await agent('B').mailbox.counts()).toMatchObject({ leased: 0, waiting: 0, dead: 0 })
  })
  it('A reply is checked by its schema, and is rejected for a message that is not a request.', async () => {
    const { agent } = await testbed()
    const answer = agent('A').messages.request(Order, { n: 1 }, { to: 'B' })
    const failed = expect(answer).rejects.toMatchObject({ code: 'validation.failed' })
    const [delivery] = await agent('B').mailbox.receive({ wait: '10s' })
    await delivery?.reply('many')
    await failed
    await agent('A').messages.send(Note, 1, { to: 'B' })
    const [plain] = await agent('B').mailbox.receive()
    await expect(plain?.reply(1)).rejects.toMatchObject({ code: 'validation.failed' })
    await plain?.ack()
  })
  it('Fifty parallel requests each get their own reply.', async () => {
    const { agent } = await testbed()
    const answers = Promise.all(
      Array.from({ length: 50 }, (_, n) => agent('A').messages.request(Order, { n }, { to: 'B' })),
    )
    for (let done = 0; done < 50; ) {
      const deliveries = await agent('B').mailbox.receive({ wait: '10s', max: 7 })
      for (const { message, reply } of deliveries.map((delivery) => ({
        message: delivery.message,
        reply: delivery.reply.bind(delivery),
      }))) {
        await reply({ left: (message.payload as { n: number }).n * 2 })
        done++
      }
    }
    expect((await answers).map(({ left }) => left)).toEqual(Array.from({ length: 50 }, (_, n) => n * 2))
  })
})

it('A mailbox confirms an acknowledgement to a sender that requires it.', async () => {
  const { agent } = await testbed()
  const sent = await agent('A').messages.send(Note, 1, {
    to: 'B',
    requiresConfirmation: true,
    correlationId: 'c',
    threadId: 't',
  })
  const [delivery] = await agent('B').mailbox.receive()
  await delivery?.nack()
  expect(await agent('A').mailbox.receive()).toEqual([])
  const [redelivered] = await agent('B').mailbox.receive()
  await redelivered?.ack()
  const [confirmed] = await agent('A').mailbox.receive({ types: [MessageConfirmed] })
  expect(confirmed?.message).toMatchObject({
    from: 'B',
    correlationId: 'c',
    threadId: 't',
    payload: { id: sent.id, by: 'B', type: 'note' },
  })
})
it('The events of messaging never contain a payload or a reason.', async () => {
  const { agent, events } = await testbed({ config: { maxAttempts: 1 } })
  await agent('A').messages.send(Note, 'sëcret', { to: 'B' })
  const [delivery] = await agent('B').mailbox.receive()
  await delivery?.nack({ reason: 'no: sëcret' })
  expect(events.map(({ type }) => type)).toEqual(['message.sent', 'message.received', 'message.dead-lettered'])
  expect(JSON.stringify(events)).not.toContain('sëcret')
})
