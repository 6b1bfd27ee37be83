/** The mailbox against its reference: random sequences of sends, two consumers, nacks with delay, leases that run out. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../test/postgres/server.ts'
import { createVirtualClock } from '../core/index.ts'
import { type ReferenceDelivery, ReferenceMailbox, type ReferencePriority } from '../testing/index.ts'
import type { Delivery } from './mailbox-hands.ts'
import { defineMessage } from './message-type.ts'
import { openRoom, type Room } from './room.test.fixture.ts'

const Note = defineMessage<number>('note')
const settings = { leaseMs: 10_000, maxAttempts: 3, maxCount: 12 }

interface Model {
  readonly mailbox: ReferenceMailbox
  sent: number
}
interface Real {
  readonly room: Room
  readonly user: string
}
/** What both sides hold, in the same order. */
type Hands = { readonly expected: ReferenceDelivery; readonly real: Delivery }[]

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
  async run(model: Model, { room, user }: Real) {
    const payload = model.sent++
    const ttl = this.ttlMs === undefined ? {} : { ttlMs: this.ttlMs }
    const accepted = model.mailbox.send(payload, this.sender, this.priority, { delayMs: this.delayMs, ...ttl })
    const options = {
      to: 'B',
      priority: this.priority,
      ...(this.delayMs > 0 ? { delay: `${this.delayMs}ms` as const } : {}),
      ...(this.ttlMs === undefined ? {} : { ttl: `${this.ttlMs}ms` as const }),
    }
    const outcome = await room
      .agent(this.sender, { user })
      .messages.send(Note, payload, options)
      .then(() => 'sent', ended)
    expect(outcome).toBe(accepted ? 'sent' : 'mailbox.full')
  }
  toString = () => `send(${this.sender}, ${this.priority}, +${this.delayMs}, ttl ${this.ttlMs})`
}

class Receive implements Step {
  readonly hands: Hands
  readonly max: number
  constructor(hands: Hands, max: number) {
    this.hands = hands
    this.max = max
  }
  check = () => true
  async run(model: Model, { room, user }: Real) {
    const expected = model.mailbox.receive(this.max)
    const real = await room.agent('B', { user }).mailbox.receive({ max: this.max })
    expect(real.map(({ message, attempt }) => [message.payload, attempt])).toEqual(
      expected.map(({ payload, attempt }) => [payload, attempt]),
    )
    for (const [i, delivery] of real.entries())
      this.hands.push({ expected: expected[i] as ReferenceDelivery, real: delivery })
  }
  toString = () => `receive(${this.max})`
}

class Settle implements Step {
  readonly hands: Hands
  readonly which: number
  readonly nackMs: number | undefined
  constructor(hands: Hands, which: number, nackMs: number | undefined) {
    this.hands = hands
    this.which = which
    this.nackMs = nackMs
  }
  check = () => this.hands.length > 0
  async run(model: Model) {
    const [{ expected, real }] = this.hands.splice(this.which % this.hands.length, 1) as [Hands[number]]
    const { nackMs } = this
    const done = nackMs === undefined ? model.mailbox.ack(expected) : model.mailbox.nack(expected, nackMs)
    const settle = nackMs === undefined ? real.ack() : real.nack({ delay: `${nackMs}ms` })
    expect(await settle.then(() => 'done', ended)).toBe(done ? 'done' : 'lease.lost')
  }
  toString = () => (this.nackMs === undefined ? `ack(${this.which})` : `nack(${this.which}, +${this.nackMs})`)
}

class Advance implements Step {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
  check = () => true
  async run(model: Model, { room, user }: Real) {
    model.mailbox.now += this.ms
    await room.clock.advance(`${this.ms}ms`)
    // What is due is brought beside the clock, which waits for no storage.
    const due = {
      sql: `select id from messages where state = 'scheduled' and available_at <= ${room.clock.now()} and user_id = '${user}'`,
      binds: [],
      returns: true,
    }
    await vi.waitFor(async () => expect(await room.storage.read({ user }, [due])).toEqual([[]]), 30_000)
  }
  toString = () => `advance(${this.ms})`
}

class Look implements Step {
  check = () => true
  async run(model: Model, { room, user }: Real) {
    const { mailbox } = room.agent('B', { user })
    const { unread: _, ...counts } = await mailbox.counts()
    expect(counts).toEqual(model.mailbox.counts())
    const dead = (await mailbox.deadLetters()).items.map(({ message }) => message.payload)
    expect(dead.sort()).toEqual([...model.mailbox.dead].sort())
  }
  toString = () => 'look'
}

const times = [0, 1, 3_000, 10_000, 30_000, 121_000]
/** Consumers share no deliveries: each settles its own. */
const steps = (first: Hands, second: Hands): fc.Arbitrary<Step>[] => {
  const hands = fc.constantFrom(first, second)
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
    fc.tuple(hands, fc.integer({ min: 1, max: 4 })).map((values) => new Receive(...values)),
    fc.tuple(hands, fc.nat(9)).map(([held, which]) => new Settle(held, which, undefined)),
    fc.tuple(hands, fc.nat(9), fc.constantFrom(...times)).map((values) => new Settle(...values)),
    fc.constantFrom(...times.slice(1)).map((ms) => new Advance(ms)),
    fc.constant(new Look()),
  ]
}

async function check(
  place: { readonly url: string; readonly schema?: string; readonly sealed?: boolean },
  numRuns: number,
) {
  const config = { lease: '10s', maxAttempts: settings.maxAttempts, capacity: { count: settings.maxCount } } as const
  const room = await openRoom({ ...place, config, clock: createVirtualClock({ start: 0 }) })
  const first: Hands = []
  const second: Hands = []
  let run = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps(first, second), { maxCommands: 60, size: 'max' }), async (commands) => {
        first.length = 0
        second.length = 0
        const mailbox = new ReferenceMailbox(settings)
        mailbox.now = room.clock.now()
        // A user of its own per run: nothing of an earlier one is in sight.
        const setup = () => ({ model: { mailbox, sent: 0 }, real: { room, user: `run ${run++}` } })
        await fc.asyncModelRun(setup, commands)
      }),
      { numRuns, ...(process.env.FC_SEED === undefined ? {} : { seed: Number(process.env.FC_SEED) }) },
    )
  } finally {
    await room.close()
  }
}

it(
  'does in memory what the reference mailbox does, in any order of events',
  () => check({ url: 'memory:' }, 300),
  120_000,
)
it('does the same on what is sealed', () => check({ url: 'memory:', sealed: true }, 60), 120_000)
it('does the same in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-model-'))
  try {
    await check({ url: `sqlite:${join(folder, 'troupe.db')}` }, 40)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 120_000)
it.skipIf((await missingServer()) !== undefined)(
  'does the same on PostgreSQL',
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
