import { beforeEach, describe, expect, it, vi } from 'vitest'
import { defineMessage } from '../message-type.ts'
import type { MessagingTestbed, MessagingTestbedOptions } from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds } from '../open-testbeds.test.fixture.ts'

const Note = defineMessage('note')
const Other = defineMessage('other')

const testbeds = messagingTestbeds()

describe.each(['memory', 'file'])('the bounds and views of a mailbox on %s', (kind) => {
  let url: string
  beforeEach(() => {
    url = kind === 'file' ? testbeds.newFile() : 'memory:'
  })
  const testbed = (options: MessagingTestbedOptions = {}) => testbeds.testbed({ url, ...options })

  it('A full mailbox rejects a message with a hint, affects no other mailbox, and accepts it when there is room.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 3 } } })
    const a = agent('A').messages
    for (const i of [0, 1, 2]) await a.send(Note, i, { to: 'B' })
    await expect(a.send(Note, 3, { to: 'B' })).rejects.toMatchObject({
      name: 'CapacityError',
      code: 'mailbox.full',
      retryable: true,
      hint: expect.stringContaining('Send again later'),
    })
    await a.send(Note, 0, { to: 'C' })
    await agent('A', { user: 'bob' }).messages.send(Note, 0, { to: 'B' })
    const [first] = await agent('B').mailbox.receive({ max: 1 })
    await expect(a.send(Note, 4, { to: 'B' })).rejects.toMatchObject({ code: 'mailbox.full' })
    await first?.ack()
    await a.send(Note, 5, { to: 'B' })
    expect(await agent('B').drain()).toEqual([1, 2, 5])
  })
  it('A send that waits for room rejects with the name of the call if its signal aborts.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
    const a = agent('A').messages
    await a.send(Note, 1, { to: 'B' })
    const ended = new AbortController()
    const sent = a.send(Note, 2, { to: 'B', signal: ended.signal })
    const rejected = expect(sent).rejects.toThrow(/^Sending /)
    setTimeout(() => ended.abort(), 20)
    await rejected
  })
  it('A mailbox accepts the sends that wait for room, in their order, when its limit is raised.', async () => {
    const { agent, mailboxes } = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
    const a = agent('A').messages
    await a.send(Note, 0, { to: 'B' })
    const sent = [1, 2, 3].map((i) => a.send(Note, i, { to: 'B' }))
    await vi.waitFor(() => expect(mailboxes.messaging.capacity.list()).toHaveLength(1))
    mailboxes.configure({ capacity: { count: 10 }, backpressure: 'wait' })
    await Promise.all(sent)
    expect(await agent('B').drain()).toEqual([0, 1, 2, 3])
  })
  it('A mailbox counts bytes too, and rejects a message that could never fit.', async () => {
    const { agent } = await testbed({ config: { capacity: { bytes: 1_000 } } })
    const a = agent('A').messages
    await a.send(Note, 'x'.repeat(600), { to: 'B' })
    await expect(a.send(Note, 'x'.repeat(600), { to: 'B' })).rejects.toMatchObject({ code: 'mailbox.full' })
    await expect(a.send(Note, 'x'.repeat(2_000), { to: 'B' })).rejects.toMatchObject({ code: 'message.too_large' })
    expect(await agent('B').drain()).toHaveLength(1)
    await a.send(Note, 'x'.repeat(600), { to: 'B' })
  })
  it('A send with backpressure `wait` rejects a message that could never fit, with its metadata counted.', async () => {
    const { agent, step } = await testbed({ config: { capacity: { bytes: 1_000 }, backpressure: 'wait' } })
    const metadata = { long: 'x'.repeat(500) }
    const sent = agent('A').messages.send(Note, 'x'.repeat(500), { to: 'B', metadata })
    await expect(sent).rejects.toMatchObject({ code: 'message.too_large' })
    const staged = await step('A', 's1', async (messages) => {
      await messages.send(Note, 'x'.repeat(500), { to: 'B', metadata })
      return null
    })
    expect(staged).toMatchObject({ status: 'failed', error: { code: 'message.too_large' } })
  })
  it('A mailbox with `drop-oldest` drops the oldest message that is not leased, and names it.', async () => {
    const { agent, events } = await testbed({ config: { capacity: { count: 2 }, backpressure: 'drop-oldest' } })
    const a = agent('A').messages
    await a.send(Note, 0, { to: 'B' })
    const one = await a.send(Note, 1, { to: 'B' })
    const [held] = await agent('B').mailbox.receive({ max: 1 })
    expect((await a.send(Note, 2, { to: 'B' })).dropped).toEqual([one.id])
    expect(events.filter(({ type }) => type === 'message.dropped')).toMatchObject([{ id: one.id, to: 'B' }])
    await held?.ack()
    expect(await agent('B').drain()).toEqual([2])
  })
  it('A mailbox with `drop-oldest` drops as many small messages as a large one needs.', async () => {
    const { agent } = await testbed({ config: { capacity: { bytes: 60_000 }, backpressure: 'drop-oldest' } })
    const a = agent('A').messages
    await Promise.all(Array.from({ length: 300 }, (_, i) => a.send(Note, i, { to: 'B' })))
    expect((await a.send(Note, 'x'.repeat(57_000), { to: 'B' })).dropped?.length).toBeGreaterThan(200)
  })
  it('A mailbox with backpressure `wait` accepts messages in the order of the calls.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
    const sends = [0, 1, 2, 3].map((i) => agent('A').messages.send(Note, i, { to: 'B' }))
    const got: unknown[] = []
    while (got.length < 4) {
      const [delivery] = await agent('B').mailbox.receive({ wait: '10s' })
      got.push(delivery?.message.payload)
      await delivery?.ack()
    }
    await Promise.all(sends)
    expect(got).toEqual([0, 1, 2, 3])
  })
  it.each(['reject', 'drop-oldest', 'wait'] as const)(
    'A mailbox preserves the order of the calls if expired messages make room for them, with %s.',
    async (backpressure) => {
      const { agent, clock } = await testbed({ config: { capacity: { count: 150 }, backpressure } })
      const send = (payload: number, options = {}) => agent('A').messages.send(Note, payload, { to: 'B', ...options })
      const numbers = Array.from({ length: 150 }, (_, i) => i)
      await Promise.all(numbers.map((i) => send(1_000 + i, { ttl: '1s' })))
      await clock.advance('2s')
      await Promise.all(numbers.map((i) => send(i)))
      expect(await agent('B').drain()).toEqual(numbers)
    },
  )
  it('A mailbox rejects sends that find no room behind accepted ones, and none before them.', async () => {
    const { agent, clock } = await testbed({ config: { capacity: { count: 120 } } })
    const send = (payload: number, options = {}) => agent('A').messages.send(Note, payload, { to: 'B', ...options })
    await Promise.all(Array.from({ length: 120 }, (_, i) => send(1_000 + i, { ttl: '1s' })))
    await clock.advance('2s')
    const sent = await Promise.allSettled(Array.from({ length: 130 }, (_, i) => send(i)))
    expect(sent.map(({ status }) => status).lastIndexOf('fulfilled')).toBe(119)
    expect(await agent('B').drain()).toEqual(Array.from({ length: 120 }, (_, i) => i))
  })
  it('A send that waits for capacity ends with its signal and at the close of the troupe.', async () => {
    const { agent, mailboxes, clock } = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
    await agent('A').messages.send(Note, 0, { to: 'B' })
    const stop = new AbortController()
    const one = agent('A').messages.send(Note, 1, { to: 'B', signal: stop.signal })
    const two = agent('Z').messages.send(Note, 2, { to: 'B' })
    const aborted = expect(one).rejects.toMatchObject({ code: 'cancelled' })
    const closed = expect(two).rejects.toMatchObject({ code: 'troupe.closed' })
    await clock.advance('1ms')
    stop.abort()
    await aborted
    await mailboxes.close()
    await closed
  })
  it('A mailbox removes messages that its owner has read before it rejects a new one.', async () => {
    const { agent } = await testbed({ config: { capacity: { count: 2 } } })
    const first = await agent('A').messages.send(Note, 0, { to: 'B' })
    await agent('A').messages.send(Note, 1, { to: 'B' })
    expect(await agent('B').mailbox.markRead([first.id, 'unknown'])).toBe(1)
    await agent('A').messages.send(Note, 2, { to: 'B' })
    expect(await agent('B').drain()).toEqual([1, 2])
  })
  it.each(['reject', 'wait', 'drop-oldest'] as const)(
    'Reading loses no confirmation if the mailbox of its sender is full, with the backpressure %s.',
    async (backpressure) => {
      const { agent } = await testbed({ config: { capacity: { count: 1 }, backpressure } })
      const { mailbox } = agent('B')
      await agent('C').messages.send(Note, 'in the way', { to: 'A' })
      const { id } = await agent('A').messages.send(Note, 0, { to: 'B', requiresConfirmation: true })
      const { items } = await mailbox.messages()
      expect(await Promise.all([mailbox.confirmRead(items), mailbox.confirmRead(items)])).toEqual([1, 1])
      expect((await mailbox.messages()).items).toMatchObject([{ payload: 0, read: true }])
      const received: unknown[] = []
      await vi.waitFor(
        async () => {
          received.push(...(await agent('A').drain()))
          expect(received.at(-1)).toEqual({ id, by: 'B', type: 'note' })
        },
        { timeout: 60_000 },
      )
      await agent('B').drain()
      expect(await agent('A').drain()).toEqual([])
    },
  )
  it('A mailbox accepts a waiting send when its owner reads a message, also from a committed turn.', async () => {
    const { agent, step } = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
    const { mailbox } = agent('B')
    const first = await agent('A').messages.send(Note, 0, { to: 'B' })
    const second = agent('A').messages.send(Note, 1, { to: 'B' })
    await agent('A').messages.send(Note, 'elsewhere', { to: 'C' })
    await mailbox.markRead([first.id])
    await second
    await step('A', 's1', async (messages) => (await messages.send(Note, 2, { to: 'B' })).id)
    await mailbox.markRead([(await second).id])
    await vi.waitFor(async () => expect((await mailbox.messages({ unreadOnly: true })).items).toHaveLength(1), {
      timeout: 60_000,
    })
    expect(await agent('B').drain()).toEqual([2])
  })
  it('A mailbox delivers a scheduled message when it is due, and delays no other message until then.', async () => {
    const { agent, clock } = await testbed()
    const a = agent('A').messages
    await a.send(Note, 'later', { to: 'B', delay: '10s' })
    await a.send(Note, 'at', { to: 'B', at: new Date(clock.now() + 5_000).toISOString() })
    await a.send(Note, 'now', { to: 'B' })
    expect(await agent('B').mailbox.counts()).toMatchObject({ unread: 1, waiting: 1, scheduled: 2 })
    expect(await agent('B').drain()).toEqual(['now'])
    const waiting = agent('B').mailbox.receive({ wait: '1h' })
    await clock.advance('5s')
    const [first] = await waiting
    expect(first?.message.payload).toBe('at')
    await first?.ack()
    await clock.advance('5s')
    expect(await agent('B').drain()).toEqual(['later'])
  })
  it('A message client rejects an invalid time instead of sending at once.', async () => {
    const { messages, mailbox } = (await testbed()).agent('A')
    for (const at of ['10', 'Jan 5 2100', '2100-02-30', '2100-13-01T00:00:00Z', '', new Date(8.64e15), new Date('')])
      await expect(messages.send(Note, 1, { to: 'A', at })).rejects.toMatchObject({ code: 'validation.failed' })
    for (const at of ['2100-02-28', '2100-01-05T10:00Z', '2100-01-05T10:00:00.25+02:00', new Date('9999-12-31')])
      expect(await messages.send(Note, 1, { to: 'A', at, ttl: '1000000d' })).toHaveProperty('expiresAt')
    expect(await mailbox.counts()).toMatchObject({ waiting: 0, scheduled: 4 })
  })
  it('A mailbox never delivers or counts an expired message.', async () => {
    const { agent, clock } = await testbed({ config: { capacity: { count: 2 } } })
    const a = agent('A').messages
    await a.send(Note, 'short', { to: 'B', ttl: '1s' })
    await a.send(Note, 'long', { to: 'B' })
    await clock.advance('1s')
    expect(await agent('B').mailbox.counts()).toMatchObject({ unread: 1, waiting: 1 })
    expect((await agent('B').mailbox.messages()).items).toHaveLength(1)
    await a.send(Note, 'more', { to: 'B' })
    expect(await agent('B').drain()).toEqual(['long', 'more'])
  })
  it('A mailbox continues when a leased message expires.', async () => {
    const { agent, clock } = await testbed({ config: { lease: '10s' } })
    await agent('A').messages.send(Note, 1, { to: 'B', ttl: '1s' })
    const [delivery] = await agent('B').mailbox.receive()
    await agent('C').messages.send(Note, 2, { to: 'B' })
    await agent('C').messages.send(Note, 3, { to: 'B', delay: '1s', ttl: '1s' })
    await clock.advance('2s')
    expect(await agent('B').mailbox.counts()).toMatchObject({ unread: 1, waiting: 1, leased: 1 })
    expect(await agent('B').drain()).toEqual([2])
    await delivery?.ack()
    expect(await agent('B').mailbox.counts()).toMatchObject({ unread: 0, waiting: 0, leased: 0 })
  })
  it('A receive waits for a message, and returns nothing when its wait is over.', async () => {
    const { agent, clock } = await testbed()
    const waiting = agent('B').mailbox.receive({ wait: '10s' })
    await clock.advance('1s')
    await agent('A').messages.send(Note, 1, { to: 'B' })
    const [delivery] = await waiting
    await delivery?.ack()
    const empty = agent('B').mailbox.receive({ wait: '10s' })
    await clock.advance('10s')
    expect(await empty).toEqual([])
  })
  it('A receive that waits ends with its signal and with the close.', async () => {
    const { agent, mailboxes, clock } = await testbed()
    const stop = new AbortController()
    const aborted = expect(agent('B').mailbox.receive({ wait: '1h', signal: stop.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    const closed = expect(agent('C').mailbox.receive({ wait: '1h' })).rejects.toMatchObject({ code: 'troupe.closed' })
    await clock.advance('1ms')
    stop.abort()
    await aborted
    await mailboxes.close()
    await closed
  })
  it('A mailbox lists messages with filters and pages, and only an acknowledgement marks them as read.', async () => {
    const { agent } = await testbed()
    for (let i = 0; i < 6; i++)
      await agent(i % 2 ? 'X' : 'Y').messages.send(i === 5 ? Other : Note, i, {
        to: 'B',
        threadId: i < 3 ? 't1' : 't2',
      })
    const { mailbox } = agent('B')
    const payloads = async (filter: Parameters<typeof mailbox.messages>[0]) =>
      (await mailbox.messages(filter)).items.map(({ payload }) => payload)
    expect(await payloads({ from: 'X' })).toEqual([1, 3, 5])
    expect(await payloads({ threadId: 't1' })).toEqual([0, 1, 2])
    expect(await payloads({ type: Other })).toEqual([5])
    const page = await mailbox.messages({ limit: 4 })
    expect(page.items).toHaveLength(4)
    const all: unknown[] = []
    for await (const { payload } of page) all.push(payload)
    expect(all).toEqual([0, 1, 2, 3, 4, 5])
    expect(await payloads({ unreadOnly: true })).toHaveLength(6)
    const [first] = await mailbox.receive({ max: 1 })
    await first?.ack()
    expect(await payloads({ unreadOnly: true })).toHaveLength(5)
    expect((await mailbox.messages()).items.map(({ read }) => read)).toEqual([true, false, false, false, false, false])
    expect(await mailbox.counts()).toEqual({ unread: 5, waiting: 5, leased: 0, dead: 0, scheduled: 0 })
  })
  it('A mailbox lists the most urgent messages first, page after page, and counts them all.', async () => {
    const { agent } = await testbed()
    for (const priority of ['low', 'normal', 'urgent', 'high', 'urgent', 'low'] as const)
      await agent('A').messages.send(Note, priority, { to: 'B', priority })
    const { mailbox } = agent('B')
    const page = await mailbox.messages({ order: 'priority', limit: 2 })
    expect(page.items.map(({ payload }) => payload)).toEqual(['urgent', 'urgent'])
    const all: unknown[] = []
    for await (const { payload } of page) all.push(payload)
    expect(all).toEqual(['urgent', 'urgent', 'high', 'normal', 'low', 'low'])
    expect((await mailbox.messages({ priority: 'low' })).items).toHaveLength(2)
    expect(await mailbox.total()).toBe(6)
    expect(await mailbox.total({ priority: 'low', unreadOnly: true })).toBe(2)
    await expect(mailbox.messages({ order: 'priority', cursor: '5' })).rejects.toMatchObject({
      code: 'cursor.invalid',
    })
  })
  it('A message type with ordering `none` is not bound to lanes.', async () => {
    const Free = defineMessage('free', undefined, { ordering: 'none' })
    const { agent } = await testbed()
    for (const i of [0, 1]) await agent('A').messages.send(Free, i, { to: 'B' })
    const [first] = await agent('B').mailbox.receive({ max: 1 })
    const [second] = await agent('B').mailbox.receive({ max: 1 })
    expect([first, second].map((delivery) => delivery?.message.payload)).toEqual([0, 1])
    await first?.nack()
    await second?.ack()
    expect(await agent('B').drain()).toEqual([0])
  })
  it('A mailbox shows one user nothing of another.', async () => {
    const { agent } = await testbed()
    await agent('A').messages.send(Note, 1, { to: 'B' })
    const foreign = agent('B', { user: 'bob' }).mailbox
    expect(await foreign.receive()).toEqual([])
    expect((await foreign.messages()).items).toEqual([])
    expect(await foreign.counts()).toEqual({ unread: 0, waiting: 0, leased: 0, dead: 0, scheduled: 0 })
  })
  it('A send is rejected for a role that may not send, and is recorded as an incident.', async () => {
    const { agent, events } = await testbed()
    await expect(agent('R', { role: 'readonly' }).messages.send(Note, 1, { to: 'B' })).rejects.toMatchObject({
      code: 'access.denied',
    })
    await expect(
      agent('D', { deny: ['send_message_to_agent'] }).messages.request(Note, 1, { to: 'B' }),
    ).rejects.toMatchObject({ code: 'access.denied' })
    expect(events.filter(({ type }) => type === 'incident.recorded')).toHaveLength(2)
    await agent('A').messages.send(Note, 'own', { to: 'R' })
    expect(await agent('R', { role: 'readonly' }).drain()).toEqual(['own'])
  })
  it('A send rejects unknown options with the nearest name, and values that JSON cannot represent.', async () => {
    const { messages } = agentOf(await testbed())
    await expect(messages.send(Note, 1, { to: 'B', prioritiy: 'low' } as never)).rejects.toMatchObject({
      code: 'option.unknown',
      hint: 'Did you mean priority?',
    })
    await expect(messages.send(Note, 1, { to: 'B', from: 'Boss' } as never)).rejects.toMatchObject({
      code: 'option.unknown',
    })
    await expect(messages.send(Note, Number.NaN, { to: 'B' })).rejects.toMatchObject({ code: 'json.unsupported' })
    await expect(messages.send(Note, 1, { to: '' })).rejects.toMatchObject({ code: 'name.invalid' })
    await expect(messages.send(Note, 1, { to: 'B', ttl: '0s' })).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(messages.send(Note, 1, { to: 'B', priority: 'soon' as never })).rejects.toMatchObject({
      code: 'validation.failed',
    })
  })
})

const agentOf = (testbed: MessagingTestbed) => testbed.agent('A')
