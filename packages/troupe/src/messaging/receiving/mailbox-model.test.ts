/** The mailbox against its reference: random sequences of sends, two consumers, nacks with delay, leases that run out. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { createVirtualClock } from '../../core/index.ts'
import { type ReferenceDelivery, ReferenceMailbox, type ReferencePriority } from '../../testing/index.ts'
import type { Delivery } from '../mailbox.ts'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'

const Note = defineMessage<number>('note')
const settings = { leaseMs: 10_000, maxAttempts: 3, maxCount: 12 }

interface Model {
  readonly mailbox: ReferenceMailbox
  sent: number
}
interface Real {
  readonly testbed: MessagingTestbed
  readonly user: string
}
/** What both sides hold, in the same order. */
type HeldDeliveries = { readonly expected: ReferenceDelivery; readonly real: Delivery }[]

type Step = fc.AsyncCommand<Model, Real>

const ended = (error: unknown) => (error as { code: string }).code

class Send implements Step {
  readonly sender: string
  readonly priority: ReferencePriority
  readonly delayMs: number
  readonly ttlMs: number | undefined
  constructor(sender: string, priority: ReferencePriority, delayMs: number, ttlMs: number | undefined) {
    this.sender = sender
    this.priority = priority
    this.delayMs = delayMs
    this.ttlMs = ttlMs
  }
  check = () => true
  async run(model: Model, { testbed, user }: Real) {
    const payload = model.sent++
    const ttl = this.ttlMs === undefined ? {} : { ttlMs: this.ttlMs }
    const accepted = model.mailbox.send(payload, this.sender, this.priority, { delayMs: this.delayMs, ...ttl })
    const options = {
      to: 'B',
      priority: this.priority,
      ...(this.delayMs > 0 ? { delay: `${this.delayMs}ms` as const } : {}),
      ...(this.ttlMs === undefined ? {} : { ttl: `${this.ttlMs}ms` as const }),
    }
    const outcome = await testbed
      .agent(this.sender, { user })
      .messages.send(Note, payload, options)
      .then(() => 'sent', ended)
    expect(outcome).toBe(accepted ? 'sent' : 'mailbox.full')
  }
  toString = () => `send(${this.sender}, ${this.priority}, +${this.delayMs}, ttl ${this.ttlMs})`
}

class Receive implements Step {
  readonly deliveries: HeldDeliveries
  readonly max: number
  constructor(deliveries: HeldDeliveries, max: number) {
    this.deliveries = deliveries
    this.max = max
  }
  check = () => true
  async run(model: Model, { testbed, user }: Real) {
    const expected = model.mailbox.receive(this.max)
    const real = await testbed.agent('B', { user }).mailbox.receive({ max: this.max })
    expect(real.map(({ message, attempt }) => [message.payload, attempt])).toEqual(
      expected.map(({ payload, attempt }) => [payload, attempt]),
    )
    for (const [i, delivery] of real.entries())
      this.deliveries.push({ expected: expected[i] as ReferenceDelivery, real: delivery })
  }
  toString = () => `receive(${this.max})`
}

class EndDelivery implements Step {
  readonly deliveries: HeldDeliveries
  readonly which: number
  readonly nackMs: number | undefined
  constructor(deliveries: HeldDeliveries, which: number, nackMs: number | undefined) {
    this.deliveries = deliveries
    this.which = which
    this.nackMs = nackMs
  }
  check = () => this.deliveries.length > 0
  async run(model: Model) {
    const [{ expected, real }] = this.deliveries.splice(this.which % this.deliveries.length, 1) as [
      HeldDeliveries[number],
    ]
    const { nackMs } = this
    const done = nackMs === undefined ? model.mailbox.ack(expected) : model.mailbox.nack(expected, nackMs)
    const ending = nackMs === undefined ? real.ack() : real.nack({ delay: `${nackMs}ms` })
    expect(await ending.then(() => 'done', ended)).toBe(done ? 'done' : 'lease.lost')
  }
  toString = () => (this.nackMs === undefined ? `ack(${this.which})` : `nack(${this.which}, +${this.nackMs})`)
}

class Advance implements Step {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
  check = () => true
  async run(model: Model, { testbed, user }: Real) {
    model.mailbox.now += this.ms
    await testbed.clock.advance(`${this.ms}ms`)
    // What is due is brought beside the clock, which waits for no storage.
    const due = {
      sql: `select id from messages where state = 'scheduled' and available_at <= ${testbed.clock.now()} and user_id = '${user}'`,
      binds: [],
      returns: true,
    }
    await vi.waitFor(async () => expect(await testbed.storage.read({ user }, [due])).toEqual([[]]), 30_000)
  }
  toString = () => `advance(${this.ms})`
}

class CompareState implements Step {
  check = () => true
  async run(model: Model, { testbed, user }: Real) {
    const { mailbox } = testbed.agent('B', { user })
    const { unread: _, ...counts } = await mailbox.counts()
    expect(counts).toEqual(model.mailbox.counts())
    const dead = (await mailbox.deadLetters()).items.map(({ message }) => message.payload)
    expect(dead.sort()).toEqual([...model.mailbox.dead].sort())
  }
  toString = () => 'compare state'
}

const times = [0, 1, 3_000, 10_000, 30_000, 121_000]
/** Consumers share no deliveries: each settles its own. */
const steps = (first: HeldDeliveries, second: HeldDeliveries): fc.Arbitrary<Step>[] => {
  const deliveries = fc.constantFrom(first, second)
  const send = fc
    .tuple(
      fc.constantFrom('S', 'T'),
      fc.constantFrom<ReferencePriority>('urgent', 'high', 'normal', 'low'),
      fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 3_000, 30_000) }),
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom(1, 3_000, 30_000) },
      ),
    )
    .map((values) => new Send(...values))
  return [
    send,
    send,
    fc.tuple(deliveries, fc.integer({ min: 1, max: 4 })).map((values) => new Receive(...values)),
    fc.tuple(deliveries, fc.nat(9)).map(([held, which]) => new EndDelivery(held, which, undefined)),
    fc.tuple(deliveries, fc.nat(9), fc.constantFrom(...times)).map((values) => new EndDelivery(...values)),
    fc.constantFrom(...times.slice(1)).map((ms) => new Advance(ms)),
    fc.constant(new CompareState()),
  ]
}

async function check(
  testStorage: { readonly url: string; readonly schema?: string; readonly encrypted?: boolean },
  numRuns: number,
) {
  const config = { lease: '10s', maxAttempts: settings.maxAttempts, capacity: { count: settings.maxCount } } as const
  const testbed = await openMessagingTestbed({ ...testStorage, config, clock: createVirtualClock({ start: 0 }) })
  const first: HeldDeliveries = []
  const second: HeldDeliveries = []
  let run = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps(first, second), { maxCommands: 60, size: 'max' }), async (commands) => {
        first.length = 0
        second.length = 0
        const mailbox = new ReferenceMailbox(settings)
        mailbox.now = testbed.clock.now()
        // A user of its own per run: nothing of an earlier one is in sight.
        const setup = () => ({ model: { mailbox, sent: 0 }, real: { testbed, user: `run ${run++}` } })
        await fc.asyncModelRun(setup, commands)
      }),
      { numRuns, ...(process.env.FC_SEED === undefined ? {} : { seed: Number(process.env.FC_SEED) }) },
    )
  } finally {
    await testbed.close()
  }
}

it(
  'A mailbox in memory behaves as the reference mailbox in any order of events.',
  () => check({ url: 'memory:' }, 300),
  120_000,
)
it(
  'An encrypted mailbox behaves as the reference mailbox in any order of events.',
  () => check({ url: 'memory:', encrypted: true }, 60),
  120_000,
)
it('A mailbox in a file behaves as the reference mailbox in any order of events.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-model-'))
  try {
    await check({ url: `sqlite:${join(folder, 'troupe.db')}` }, 40)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
it.skipIf((await missingServer()) !== undefined)(
  'A mailbox on PostgreSQL behaves as the reference mailbox in any order of events.',
  async () => {
    const schema = schemaName('mailboxes')
    try {
      await check({ url: server, schema }, 15)
    } finally {
      await dropSchema(schema)
    }
  },
  120_000,
)
