import { afterEach, describe, expect, it, vi } from 'vitest'
import { failure } from '../../core/index.ts'
import type { EffectSpec } from '../../journal/index.ts'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { type HandlerContext, Worker } from './worker.ts'

const Note = defineMessage<string>('note')
const Ask = defineMessage<string>('ask')

let testbed: MessagingTestbed
afterEach(() => testbed.close())

it('A handler that is replayed sees the attempt with which it began.', async () => {
  testbed = await openMessagingTestbed()
  const { start, agent, clock } = testbed
  const seen: number[] = []
  const make = () =>
    new Worker('W').on(Note, async (_, ctx) => {
      seen.push(ctx.attempt)
      // With the attempt of the later delivery it would leave its record unread, and stop with code.changed.
      if (ctx.attempt === 1) await ctx.effect('first only', { class: 'at-most-once' }, () => null)
      await ctx.messages.request(Ask, 'go on?', { to: 'Host', timeout: '1h' })
    })
  const first = await start(make())
  await agent('A').messages.send(Note, 'x', { to: 'W' })
  while ((await agent('Host').mailbox.counts()).waiting === 0) await clock.advance('10ms')
  await first.stop()
  await start(make())
  const [question] = await agent('Host').mailbox.receive()
  await question?.reply('yes')
  for (let i = 0; i < 200 && (await agent('W').mailbox.messages()).items[0]?.read !== true; i++)
    await clock.advance('10ms')
  expect(seen).toEqual([1, 1])
  expect(await agent('W').mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, leased: 0 })
})

it('An effect with a key is not repeated, even after a later attempt failed before it.', async () => {
  testbed = await openMessagingTestbed()
  const { start, agent, clock } = testbed
  let charged = 0
  await start(
    new Worker('W').on(Note, async ({ payload }, ctx) => {
      if (ctx.attempt === 2) throw new Error('sooner')
      await ctx.effect('charge', { class: 'at-most-once', key: payload }, () => ++charged)
      if (ctx.attempt < 4) throw new Error('later')
    }),
  )
  await agent('A').messages.send(Note, 'x', { to: 'W' })
  for (let i = 0; i < 200 && (await agent('W').mailbox.messages()).items[0]?.read !== true; i++)
    await clock.advance('10ms')
  expect(charged).toBe(1)
  expect(await agent('W').mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, leased: 0 })
})

it('A batch of an unaccepted peer is dead-lettered, each message once.', async () => {
  testbed = await openMessagingTestbed()
  const { start, agent, clock, events } = testbed
  const failures: unknown[] = []
  const worker = new Worker('W').onBatch(Note, { size: 3, wait: '1s' }, () => {})
  worker.authorizePeer = ({ name }) => name !== 'Bad'
  worker.onFailure = (error) => failures.push(error)
  await start(worker)
  for (const i of [1, 2, 3]) await agent('Bad').messages.send(Note, `${i}`, { to: 'W' })
  for (let i = 0; i < 200 && (await agent('W').mailbox.counts()).dead < 3; i++) await clock.advance('10ms')
  expect((await agent('W').mailbox.deadLetters()).items.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
  expect(failures).toEqual([])
  expect(events.filter(({ type }) => type === 'incident.recorded')).toHaveLength(3)
})

it('A worker whose batch registration is rejected retains the earlier handler of the type.', async () => {
  testbed = await openMessagingTestbed()
  const worker = new Worker('W').on(Note, () => 'handled')
  expect(() => worker.onBatch(Note, { size: 2, wait: 'soon' as never }, () => {})).toThrow(/wait must be a duration/)
  await testbed.start(worker)
  const { messages } = testbed.agent('A')
  expect(await messages.request(Note, 'one', { to: 'W', timeout: '10s' })).toBe('handled')
})

it('A worker rejects a generator function as handler, since its messages would be acknowledged and not handled.', () => {
  const worker = new Worker('W')
  const generate = function* () {} as never
  const generateLater = async function* () {} as never
  const registrations = [
    () => worker.on(Note, generate),
    () => worker.onBatch(Note, { size: 1, wait: '1s' }, generateLater),
    () => worker.onConnect('*', generate),
    () => worker.onDisconnect('*', generateLater),
  ]
  for (const register of registrations) expect(register).toThrow(/it must be a function, got a generator function/)
})

it('A started worker rejects later registrations.', async () => {
  testbed = await openMessagingTestbed()
  const worker = new Worker('W')
  const running = await testbed.start(worker)
  const late = [
    () => worker.on(Note, () => {}),
    () => worker.onBatch(Note, { size: 1, wait: '1s' }, () => {}),
    () => worker.onConnect('*', () => {}),
    () => worker.onDisconnect('*', () => {}),
    () => worker.use({ start() {} }),
  ]
  for (const register of late) expect(register).toThrow(/it must come before the start/)
  await running.stop()
  const received: string[] = []
  worker.onStart = () => worker.on(Note, ({ payload }) => void received.push(payload))
  await testbed.start(worker)
  await testbed.agent('A').messages.send(Note, 'x', { to: 'W' })
  for (let i = 0; i < 200 && received.length === 0; i++) await testbed.clock.advance('10ms')
  expect(received).toEqual(['x'])
})

it('A batch of redriven messages repeats no effect with a key.', async () => {
  testbed = await openMessagingTestbed({ config: { maxAttempts: 2 } })
  const { start, agent, clock } = testbed
  const charged: string[] = []
  let broken = true
  await start(
    new Worker('W').onBatch(Note, { size: 2, wait: '1s' }, async (messages, ctx) => {
      for (const { payload } of messages)
        await ctx.effect('charge', { class: 'at-most-once', key: payload }, () => charged.push(payload))
      if (broken) throw new Error('later')
    }),
  )
  const { mailbox } = agent('W')
  const sent = [
    await agent('A').messages.send(Note, 'x', { to: 'W' }),
    await agent('B').messages.send(Note, 'y', { to: 'W' }),
  ]
  for (let i = 0; i < 500 && (await mailbox.counts()).dead < 2; i++) await clock.advance('10ms')
  const before = charged.length
  broken = false
  for (const { id } of sent) await mailbox.redrive(id)
  for (let i = 0; i < 500 && (await mailbox.messages({ unreadOnly: true })).items.length > 0; i++)
    await clock.advance('10ms')
  expect(await mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, unread: 0 })
  expect(charged.length).toBe(before)
})

it('A message of a failed batch is handled before the later ones of its sender, also if the storage interrupts it.', async () => {
  let failing = false
  testbed = await openMessagingTestbed({ faults: () => (failing ? 'io-before' : undefined) })
  const { start, agent, clock } = testbed
  const handled: string[] = []
  const worker = new Worker('W').onBatch(Note, { size: 2, wait: '1s' }, (messages) => {
    if (messages.length > 1) throw new Error('one of them')
    failing = handled.length === 0
    handled.push(...messages.map(({ payload }) => payload))
  })
  worker.onFailure = () => {
    failing = false
  }
  await start(worker)
  for (const payload of ['x', 'y']) await agent('A').messages.send(Note, payload, { to: 'W' })
  for (let i = 0; i < 1_000 && (await agent('W').mailbox.counts()).unread > 0; i++) await clock.advance('10ms')
  expect(handled).toEqual(['x', 'x', 'y'])
})

describe('an interrupted at-most-once effect', () => {
  /**
   * @param options.by what interrupts the first call: the storage rejects its outcome, the service gives no answer, or the
   * storage rejects a claim beside it
   */
  async function interrupted(
    spec: Partial<EffectSpec<number>>,
    { maxAttempts = 5, batch = false, by = 'outcome' as 'outcome' | 'silence' | 'claim' } = {},
  ) {
    let failing = false
    testbed = await openMessagingTestbed({ config: { maxAttempts }, faults: () => (failing ? 'io-before' : undefined) })
    const { start, agent, clock } = testbed
    let charged = 0
    const charge = async (_: unknown, ctx: HandlerContext) => {
      const begun = Promise.withResolvers<void>()
      const charging = ctx.effect('charge', { class: 'at-most-once', ...spec }, ({ signal }) => {
        if (charged > 0) return ++charged
        charged++
        begun.resolve()
        if (by === 'silence') throw failure('outcome.unknown', { what: 'The charge', problem: 'no answer' })
        failing = true
        if (by === 'outcome') return charged
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      })
      if (by === 'claim') {
        await Promise.race([begun.promise, charging])
        await ctx.effect('beside', { class: 'at-most-once' }, () => null)
      }
      await charging
    }
    const worker = new Worker('W')
    if (batch) worker.onBatch(Note, { size: 2, wait: '1s' }, charge)
    else worker.on(Note, charge)
    worker.onFailure = () => {
      failing = false
    }
    await start(worker)
    const { mailbox } = agent('W')
    for (const payload of batch ? ['x', 'y'] : ['x']) await agent('A').messages.send(Note, payload, { to: 'W' })
    const isOver = async () => (await mailbox.messages({ unreadOnly: true })).items.length === 0
    for (let i = 0; i < 10_000 && !(await isOver()); i++) await clock.advance('10ms')
    const dead = (await mailbox.deadLetters()).items
    return { charged, reasons: dead.map(({ reason }) => reason), counts: await mailbox.counts() }
  }

  it.each([[{}], [{ key: 'the order' }]])(
    'An at-most-once effect with an unknown outcome is not repeated, and its message is dead-lettered: %o.',
    async (spec) => {
      const { charged, reasons } = await interrupted(spec, { by: 'silence' })
      expect(charged).toBe(1)
      expect(reasons).toEqual([expect.stringMatching(/whether its effect charge.* happened is unknown/)])
    },
  )

  it('An at-most-once effect with an unknown outcome is not repeated by a batch either.', async () => {
    const { charged, reasons } = await interrupted({}, { batch: true, by: 'silence' })
    expect(charged).toBe(1)
    expect(reasons).toEqual(
      ['x', 'y'].map(() => expect.stringMatching(/whether its effect charge.* happened is unknown/)),
    )
  })
  it.each([[false], [true]])(
    'An at-most-once effect whose outcome the storage rejected has it at the next attempt, and its message is handled; batch: %s.',
    async (batch) => {
      const { charged, reasons, counts } = await interrupted({ key: 'the order' }, { batch })
      expect({ charged, reasons }).toEqual({ charged: 1, reasons: [] })
      expect(counts).toMatchObject({ unread: 0, dead: 0, leased: 0 })
      expect(await testbed.steps.uncertain.list('ada')).toEqual([])
    },
  )
  it('An at-most-once effect with an unrecorded outcome is named in the dead letter of the last attempt.', async () => {
    const { charged, reasons } = await interrupted({ key: 'the order' }, { maxAttempts: 1 })
    expect(charged).toBe(1)
    expect(reasons).toEqual([expect.stringMatching(/fault.*may have been done/)])
  })
  it.each([[false], [true]])(
    'An at-most-once effect of a handler leaves the list of uncertain ones when its redriven message is handled; batch: %s.',
    async (batch) => {
      const { counts } = await interrupted({ key: 'the order' }, { batch, by: 'silence' })
      expect(counts).toMatchObject({ dead: batch ? 2 : 1 })
      const { steps, agent, clock } = testbed
      const { mailbox } = agent('W')
      expect(await steps.uncertain.list('ada')).toMatchObject([{ effect: expect.stringContaining('charge') }])
      for (const { message } of (await mailbox.deadLetters()).items) await mailbox.redrive(message.id)
      const isOver = async () => (await mailbox.messages({ unreadOnly: true })).items.length === 0
      for (let i = 0; i < 10_000 && !(await isOver()); i++) await clock.advance('10ms')
      expect(await mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, leased: 0 })
      expect(await steps.uncertain.list('ada')).toEqual([])
    },
  )
  it.each([[{}], [{ batch: true }], [{ batch: true, maxAttempts: 2 }]])(
    'An at-most-once effect that is interrupted is reconciled if it can be, and the handler continues: %o.',
    async (options) => {
      const reconcile = vi.fn(async () => ({ happened: true, output: 1 }) as const)
      const { charged, counts } = await interrupted({ key: 'the order', reconcile }, { ...options, by: 'claim' })
      expect(charged).toBe(1)
      expect(reconcile).toHaveBeenCalled()
      expect(counts).toMatchObject({ unread: 0, dead: 0 })
    },
  )
  it('An at-most-once effect that its batch began waits for its outcome when a message is handled alone.', async () => {
    const { charged, reasons } = await interrupted({ key: 'the order' }, { batch: true, maxAttempts: 2 })
    expect(charged).toBe(1)
    expect(reasons).toEqual(
      ['x', 'y'].map(() => expect.stringMatching(/whether its effect charge.* happened is unknown/)),
    )
    expect(await testbed.steps.uncertain.list('ada')).toHaveLength(2)
  })
})
