import { beforeEach, describe, expect, it } from 'vitest'
import { defineMessage } from './message-type.ts'
import type { MessagingTestbedOptions } from './messaging-testbed.test.fixture.ts'
import { messagingTestbeds } from './open-testbeds.test.fixture.ts'

const Note = defineMessage('note')
const Other = defineMessage('other')

const testbeds = messagingTestbeds()

describe.each(['memory', 'file', 'what is sealed'])('a mailbox on %s', (kind) => {
  let url: string
  beforeEach(() => {
    url = kind === 'file' ? testbeds.newFile() : 'memory:'
  })
  const testbed = (options: MessagingTestbedOptions = {}) =>
    testbeds.testbed({ url, encrypted: kind === 'what is sealed', ...options })

  it('A mailbox exists with its first message, and preserves the order of one sender.', async () => {
    const { agent } = await testbed()
    for (let i = 0; i < 5; i++) await agent('A').messages.send(Note, i, { to: 'Not yet born' })
    expect(await agent('Not yet born').drain()).toEqual([0, 1, 2, 3, 4])
    expect(await agent('Not yet born').drain()).toEqual([])
  })
  it('A mailbox delivers frozen messages with their sender and time.', async () => {
    const { agent, clock } = await testbed()
    const sent = await agent('A').messages.send(
      Note,
      { a: [1] },
      { to: 'B', threadId: 't', correlationId: 'c', ttl: '1m', metadata: { from: 'Boss', tags: ['x'] } },
    )
    const [delivery] = await agent('B').mailbox.receive()
    expect(delivery?.message).toEqual(sent)
    expect(delivery?.message).toMatchObject({ from: 'A', to: 'B', type: 'note', threadId: 't', priority: 'normal' })
    expect(delivery?.message).toMatchObject({ correlationId: 'c', metadata: { from: 'Boss', tags: ['x'] } })
    expect(delivery?.message.expiresAt).toBe(new Date(clock.now() + 60_000).toISOString())
    expect(delivery?.message.timestamp).toBe(new Date(clock.now()).toISOString())
    for (const message of [sent, delivery?.message ?? sent]) {
      expect(() => Object.assign(message, { from: 'Boss' })).toThrow(TypeError)
      expect(() => Object.assign(message.payload as object, { a: 2 })).toThrow(TypeError)
      expect(() => (message.payload as { a: number[] }).a.push(2)).toThrow(TypeError)
      expect(() => (message.metadata.tags as string[]).push('y')).toThrow(TypeError)
    }
    expect(delivery?.attempt).toBe(1)
  })
  it('A mailbox preserves the order of sends that start together.', async () => {
    const { agent } = await testbed()
    await Promise.all(Array.from({ length: 100 }, (_, i) => agent('A').messages.send(Note, i, { to: 'B' })))
    expect(await agent('B').drain()).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })
  it('A mailbox never delivers from a leased lane to a second consumer, and delivers from other lanes.', async () => {
    const { agent } = await testbed()
    const b = agent('B').mailbox
    for (const i of [0, 1, 2]) await agent('S').messages.send(Note, `s${i}`, { to: 'B' })
    await agent('T').messages.send(Note, 't0', { to: 'B' })
    const [first] = await b.receive({ max: 1 })
    expect(first?.message.payload).toBe('s0')
    const second = await b.receive({ max: 10 })
    expect(second.map(({ message }) => message.payload)).toEqual(['t0'])
    await second[0]?.ack()
    await first?.ack()
    expect(await agent('B').drain()).toEqual(['s1', 's2'])
  })
  it('A mailbox skips lanes whose first message has another type.', async () => {
    const { agent } = await testbed()
    await agent('A').messages.send(Note, 1, { to: 'B' })
    await agent('A').messages.send(Other, 2, { to: 'B' })
    await agent('C').messages.send(Other, 3, { to: 'B' })
    await agent('C').messages.send(Note, 4, { to: 'B' })
    const got = await agent('B').mailbox.receive({ types: [Other] })
    expect(got.map(({ message }) => message.payload)).toEqual([3])
  })

  it('A mailbox orders lanes by a virtual deadline, so that an old low message precedes a new urgent one.', async () => {
    const { agent, clock } = await testbed()
    const a = agent('A').messages
    await a.send(Note, 'low', { to: 'B', priority: 'low' })
    await a.send(Note, 'normal', { to: 'B' })
    await a.send(Note, 'high', { to: 'B', priority: 'high' })
    expect((await agent('B').mailbox.receive({ max: 3 })).map(({ message }) => message.payload)).toEqual([
      'high',
      'normal',
      'low',
    ])
    await clock.advance('121s')
    await a.send(Note, 'urgent', { to: 'B', priority: 'urgent' })
    expect(await agent('B').drain()).toEqual(['high', 'normal', 'low', 'urgent'])
  })
  it('A mailbox returns the first message for a repeated dedupe id for 24 hours, for each recipient.', async () => {
    const { agent, clock } = await testbed()
    const a = agent('A').messages
    const first = await a.send(Note, 1, { to: 'B', dedupeId: 'x' })
    expect(first.duplicate).toBeUndefined()
    expect(await a.send(Note, 2, { to: 'B', dedupeId: 'x' })).toEqual({ ...first, duplicate: true })
    expect((await a.send(Note, 3, { to: 'C', dedupeId: 'x' })).duplicate).toBeUndefined()
    expect((await agent('Z').messages.send(Note, 4, { to: 'B', dedupeId: 'x' })).duplicate).toBeUndefined()
    expect(await agent('B').drain()).toEqual([1, 4])
    expect((await a.send(Note, 2, { to: 'B', dedupeId: 'x' })).duplicate).toBe(true)
    expect(await agent('B').drain()).toEqual([])
    await clock.advance('24h')
    expect((await a.send(Note, 5, { to: 'B', dedupeId: 'x' })).duplicate).toBeUndefined()
    expect(await agent('B').drain()).toEqual([5])
  })
  it('A mailbox remembers a dedupe id for the configured time.', async () => {
    const { agent, clock } = await testbed({ config: { dedupe: '5s' } })
    const a = agent('A').messages
    await a.send(Note, 1, { to: 'B', dedupeId: 'x' })
    await clock.advance('4s')
    expect((await a.send(Note, 2, { to: 'B', dedupeId: 'x' })).duplicate).toBe(true)
    await clock.advance('1s')
    expect((await a.send(Note, 3, { to: 'B', dedupeId: 'x' })).duplicate).toBeUndefined()
  })
  it('A mailbox deduplicates sends that start together.', async () => {
    const { agent } = await testbed()
    const sends = Array.from({ length: 10 }, (_, i) => agent('A').messages.send(Note, i, { to: 'B', dedupeId: 'x' }))
    expect(new Set((await Promise.all(sends)).map(({ id }) => id)).size).toBe(1)
    expect(await agent('B').drain()).toEqual([0])
  })
  it('A mailbox redelivers a nacked message at once, and its batch successors behind it at their first attempt.', async () => {
    const { agent } = await testbed()
    for (const i of [0, 1, 2]) await agent('A').messages.send(Note, i, { to: 'B' })
    const got = await agent('B').mailbox.receive()
    expect(got.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
    await got[0]?.nack()
    await expect(got[1]?.ack()).rejects.toMatchObject({ name: 'LeaseLostError', code: 'lease.lost' })
    const redelivered = await agent('B').mailbox.receive()
    expect(redelivered.map(({ message, attempt }) => [message.payload, attempt])).toEqual([
      [0, 2],
      [1, 1],
      [2, 1],
    ])
  })
  it('A mailbox delays only the lane of a message that is nacked with a delay.', async () => {
    const { agent, clock } = await testbed()
    await agent('A').messages.send(Note, 'a0', { to: 'B' })
    await agent('A').messages.send(Note, 'a1', { to: 'B' })
    await agent('C').messages.send(Note, 'c0', { to: 'B' })
    const [first] = await agent('B').mailbox.receive({ max: 1 })
    await first?.nack({ delay: '10s' })
    expect(await agent('B').drain()).toEqual(['c0'])
    const waiting = agent('B').mailbox.receive({ wait: '1m' })
    await clock.advance('9s')
    const probe = await agent('B').mailbox.receive()
    expect(probe).toEqual([])
    await clock.advance('1s')
    expect((await waiting).map(({ message, attempt }) => [message.payload, attempt])).toEqual([
      ['a0', 2],
      ['a1', 1],
    ])
  })
  it('A mailbox retains deliveries before a nacked message, and revokes those behind it.', async () => {
    const { agent } = await testbed()
    for (const i of [0, 1, 2]) await agent('A').messages.send(Note, i, { to: 'B' })
    const [zero, one, two] = await agent('B').mailbox.receive()
    await one?.nack()
    expect(await agent('B').mailbox.receive()).toEqual([])
    await expect(two?.ack()).rejects.toMatchObject({ code: 'lease.lost' })
    await zero?.ack()
    expect(await agent('B').drain()).toEqual([1, 2])
  })
  it('A mailbox redelivers a message whose lease expired, and rejects the old lease.', async () => {
    const { agent, clock } = await testbed({ config: { lease: '10s' } })
    await agent('A').messages.send(Note, 1, { to: 'B' })
    const [old] = await agent('B').mailbox.receive()
    const waiting = agent('B').mailbox.receive({ wait: '1m' })
    await clock.advance('10s')
    const [redelivered] = await waiting
    expect(redelivered?.message.id).toBe(old?.message.id)
    expect(redelivered?.attempt).toBe(2)
    await expect(old?.ack()).rejects.toMatchObject({ code: 'lease.lost' })
    await expect(old?.nack()).rejects.toMatchObject({ code: 'lease.lost' })
    await expect(old?.renew()).rejects.toMatchObject({ code: 'lease.lost' })
    await redelivered?.nack()
    const [third] = await agent('B').mailbox.receive()
    expect(third?.attempt).toBe(3)
  })
  it('A mailbox retains a lease that is renewed.', async () => {
    const { agent, clock } = await testbed({ config: { lease: '10s' } })
    await agent('A').messages.send(Note, 1, { to: 'B' })
    const [delivery] = await agent('B').mailbox.receive()
    await clock.advance('9s')
    await delivery?.renew()
    await clock.advance('9s')
    expect(await agent('B').mailbox.receive()).toEqual([])
    await delivery?.ack()
  })
  it('A mailbox dead-letters a message after its last attempt with the reason, and redrives it at attempt 1.', async () => {
    const { agent } = await testbed({ config: { maxAttempts: 2 } })
    const { mailbox } = agent('B')
    await agent('A').messages.send(Note, 'bad', { to: 'B' })
    await agent('A').messages.send(Note, 'good', { to: 'B' })
    for (let i = 1; i <= 2; i++) {
      const [delivery] = await mailbox.receive({ max: 1 })
      expect([delivery?.message.payload, delivery?.attempt]).toEqual(['bad', i])
      await delivery?.nack({ reason: `no ${i}` })
    }
    expect(await agent('B').drain()).toEqual(['good'])
    const dead = await mailbox.deadLetters()
    expect(dead.items).toMatchObject([{ message: { payload: 'bad' }, attempt: 2, reason: 'no 2' }])
    expect(await mailbox.counts()).toMatchObject({ dead: 1, waiting: 0, unread: 0 })
    const id = String(dead.items[0]?.message.id)
    await mailbox.redrive(id)
    await expect(mailbox.redrive(id)).rejects.toMatchObject({ name: 'NotFoundError', code: 'message.unknown' })
    const [redelivered] = await mailbox.receive()
    expect([redelivered?.message.payload, redelivered?.attempt]).toEqual(['bad', 1])
    expect((await mailbox.deadLetters()).items).toEqual([])
  })
  it('A mailbox lists dead letters in pages, with the time of each.', async () => {
    const { agent, clock } = await testbed({ config: { maxAttempts: 1 } })
    const { mailbox } = agent('B')
    for (const i of [0, 1, 2, 3, 4]) await agent(`from ${i}`).messages.send(Note, i, { to: 'B' })
    for (const delivery of await mailbox.receive()) await delivery.nack({ reason: `no ${delivery.message.payload}` })
    const page = await mailbox.deadLetters({ limit: 2 })
    expect(page.items).toHaveLength(2)
    expect(page.items[0]).toMatchObject({ reason: 'no 0', diedAt: new Date(clock.now()).toISOString() })
    const all: unknown[] = []
    for await (const { message } of page) all.push(message.payload)
    expect(all).toEqual([0, 1, 2, 3, 4])
  })
  it('A mailbox delivers once more a message whose attempts exceed a reduced limit, and then dead-letters it.', async () => {
    const { agent, mailboxes } = await testbed({ config: { maxAttempts: 5 } })
    const { mailbox } = agent('B')
    for (const i of [0, 1]) await agent('A').messages.send(Note, i, { to: 'B' })
    for (let i = 1; i <= 3; i++) await (await mailbox.receive({ max: 1 }))[0]?.nack()
    mailboxes.configure({ maxAttempts: 2 })
    const [delivery] = await mailbox.receive()
    expect([delivery?.message.payload, delivery?.attempt]).toEqual([0, 4])
    await delivery?.nack()
    expect(await mailbox.counts()).toMatchObject({ dead: 1 })
    expect(await agent('B').drain()).toEqual([1])
  })
  it('A mailbox dead-letters a message whose consumers vanish, and not the messages behind it.', async () => {
    const { agent, clock } = await testbed({ config: { maxAttempts: 2, lease: '1s' } })
    for (const i of [0, 1, 2]) await agent('A').messages.send(Note, i, { to: 'B' })
    for (let i = 0; i < 2; i++) {
      expect((await agent('B').mailbox.receive()).length).toBeGreaterThan(0)
      await clock.advance('1s')
    }
    const rest = await agent('B').mailbox.receive()
    expect(rest.map(({ message }) => message.payload)[0]).toBe(1)
    expect((await agent('B').mailbox.deadLetters()).items.map(({ message }) => message.payload)).toEqual([0])
    await rest[0]?.ack()
    await clock.advance('1s')
    expect(await agent('B').drain()).toEqual([2])
  })
})
