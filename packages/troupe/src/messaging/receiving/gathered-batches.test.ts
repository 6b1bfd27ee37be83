import { describe, expect, it } from 'vitest'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import { CriticalError } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import type { MessagingTestbed, MessagingTestbedOptions } from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { type HandlerContext, Worker, type WorkerOptions } from '../workers/worker.ts'

const Note = defineMessage<string>('note')
const Ask = defineMessage<string>('ask')

let users = 0
const testbeds = messagingTestbeds()
const storages = await testStorages('batches')

/** A worker whose batches break off: each does its effects, then waits for an answer until the worker is stopped. */
class Trial {
  readonly testbed: MessagingTestbed
  /** What each entry of a handler was given. */
  readonly seen: string[][] = []
  readonly paid: string[] = []
  /** Whether effects have keys. */
  keyed = true
  constructor(testbed: MessagingTestbed) {
    this.testbed = testbed
  }
  async handle(payloads: readonly string[], ctx: HandlerContext, breaksOff: boolean) {
    this.seen.push([...payloads])
    for (const payload of payloads)
      await ctx.effect('pay', { class: 'at-most-once', ...(this.keyed ? { key: payload } : {}) }, () => {
        this.paid.push(payload)
      })
    if (breaksOff) await ctx.messages.request(Ask, 'go on?', { to: 'Host', timeout: '1h' })
  }
  batches(size: number, { breaksOff = false, ...options }: WorkerOptions & { readonly breaksOff?: boolean } = {}) {
    return new Worker('W', options).onBatch(Note, { size, wait: '1s' }, (messages, ctx) =>
      this.handle(
        messages.map(({ payload }) => payload),
        ctx,
        breaksOff,
      ),
    )
  }
  async send(payloads: readonly string[], more: { readonly priority?: 'urgent'; readonly ttl?: '30m' } = {}) {
    for (const payload of payloads)
      await this.testbed.agent(`from ${payload[0]}`).messages.send(Note, payload, { to: 'W', ...more })
  }
  /** Until it waits, and then it is given up. */
  async breakOff(worker: Worker, asked = 1) {
    const { start, agent, clock } = this.testbed
    const running = await start(worker)
    await until(clock, async () => (await agent('Host').mailbox.counts()).waiting === asked)
    await running.stop()
    this.seen.length = 0
  }
  async answer() {
    const { mailbox } = this.testbed.agent('Host')
    await until(this.testbed.clock, async () => (await mailbox.counts()).waiting > 0)
    const [question] = await mailbox.receive({ max: 1 })
    await question?.reply('yes')
  }
  /** The handled batches, each once: a handler that waited for its answer is entered repeatedly with the same messages. */
  get batchesSeen() {
    return this.seen.filter((batch, i) => `${batch}` !== `${this.seen[i - 1] ?? ''}`)
  }
  async handled(left = 0) {
    const { mailbox } = this.testbed.agent('W')
    await until(this.testbed.clock, async () => {
      const { waiting, leased } = await mailbox.counts()
      return waiting + leased === left
    })
  }
  /** Waits for the storage between two steps of the clock: on a loaded server a lease would otherwise end before its renewal. */
  until(holds: () => boolean, by: '10ms' | '100ms' = '10ms') {
    const { mailbox } = this.testbed.agent('W')
    const holdsNow = async () => {
      await mailbox.counts()
      return holds()
    }
    return until(this.testbed.clock, holdsNow, by)
  }
  async dead() {
    return (await this.testbed.agent('W').mailbox.deadLetters()).items.map(({ reason }) => reason)
  }
}

describe.each(storages)('a batch at $url', (testStorage) => {
  // While a loaded server answers, the virtual clock goes on: a short lease or life of a message would end in between.
  const begin = async (config: MessagingTestbedOptions['config'] = {}) => {
    return new Trial(
      await testbeds.testbed({ ...testStorage, config: { lease: '1m', ...config }, user: `user ${users++}` }),
    )
  }

  it('An interrupted batch resumes as it was, before newer messages, and repeats no effect.', async () => {
    const trial = await begin()
    trial.keyed = false
    await trial.send(['a1', 'b1', 'a2'])
    await trial.breakOff(trial.batches(3, { breaksOff: true }))
    await trial.send(['u1', 'u2'], { priority: 'urgent' })
    await trial.send(['a3', 'a4'])
    await trial.answer()
    await trial.testbed.start(trial.batches(2, { breaksOff: true }))
    await trial.answer()
    await trial.answer()
    await trial.handled()
    expect(trial.batchesSeen).toEqual([
      ['a1', 'b1', 'a2'],
      ['u1', 'u2'],
      ['a3', 'a4'],
    ])
    expect(trial.paid).toEqual(['a1', 'b1', 'a2', 'u1', 'u2', 'a3', 'a4'])
    expect(await trial.dead()).toEqual([])
  })
  it('An interrupted batch resumes as it was, even if newer messages are due before some of its own.', async () => {
    const trial = await begin()
    trial.keyed = false
    await trial.send(['a1'], { priority: 'urgent' })
    await trial.send(['b1'])
    await trial.breakOff(trial.batches(2, { breaksOff: true }))
    await trial.send(['a2'], { priority: 'urgent' })
    await trial.answer()
    await trial.testbed.start(trial.batches(2, { breaksOff: true }))
    await trial.answer()
    await trial.handled()
    expect(trial.batchesSeen).toEqual([['a1', 'b1'], ['a2']])
    expect(trial.paid).toEqual(['a1', 'b1', 'a2'])
    expect(await trial.dead()).toEqual([])
  })
  it('A batch in progress is claimed by no other worker, and is later claimed as a whole.', async () => {
    const trial = await begin()
    await trial.send(['a1', 'b1', 'c1'])
    const { start, agent, clock } = trial.testbed
    const first = await start(trial.batches(3, { breaksOff: true }))
    await until(clock, async () => (await agent('Host').mailbox.counts()).waiting === 1)
    await start(trial.batches(1))
    const later = clock.now() + 90_000
    await trial.until(() => clock.now() >= later, '100ms')
    await trial.send(['d1'])
    await trial.handled(3)
    expect(trial.seen).toEqual([['a1', 'b1', 'c1'], ['d1']])
    await first.stop()
    await trial.handled()
    expect(trial.seen.slice(2)).toEqual([['a1', 'b1', 'c1']])
    expect(trial.paid).toEqual(['a1', 'b1', 'c1', 'd1'])
  })
  it('An interrupted batch is claimed as a whole by one of two competing workers.', async () => {
    const trial = await begin()
    await trial.send(['a1', 'b1', 'c1', 'd1', 'e1', 'f1'])
    await trial.breakOff(trial.batches(6, { breaksOff: true }))
    await Promise.all([trial.testbed.start(trial.batches(6)), trial.testbed.start(trial.batches(6))])
    await trial.handled()
    expect(trial.seen).toEqual([['a1', 'b1', 'c1', 'd1', 'e1', 'f1']])
    expect(trial.paid).toEqual(['a1', 'b1', 'c1', 'd1', 'e1', 'f1'])
  })
  it('A failed batch gives its keyed effects to each of its messages.', async () => {
    const trial = await begin()
    const worker = new Worker('W').onBatch(Note, { size: 3, wait: '1s' }, async (messages, ctx) => {
      await trial.handle(
        messages.map(({ payload }) => payload),
        ctx,
        false,
      )
      if (messages.length > 1 || ctx.attempt < 4) throw new Error('later')
    })
    await trial.send(['a1', 'b1', 'b2'])
    await trial.testbed.start(worker)
    await trial.handled()
    expect(trial.paid).toEqual(['a1', 'b1', 'b2'])
    expect(await trial.dead()).toEqual([])
  })
  it('A critical error of a batch dead-letters only the message that causes it.', async () => {
    const trial = await begin()
    const worker = new Worker('W').onBatch(Note, { size: 3, wait: '1s' }, async (messages, ctx) => {
      const payloads = messages.map(({ payload }) => payload)
      if (payloads.includes('b1')) throw new CriticalError('b1 is bad')
      await trial.handle(payloads, ctx, false)
    })
    await trial.send(['a1', 'b1', 'c1'])
    await trial.testbed.start(worker)
    await trial.handled()
    expect(trial.seen.flat().sort()).toEqual(['a1', 'c1'])
    expect(await trial.dead()).toEqual([expect.stringMatching(/b1 is bad/)])
  })
  it('A failed batch is handled one by one in the order of its senders, also if one message fails again.', async () => {
    const trial = await begin()
    const worker = new Worker('W').onBatch(Note, { size: 3, wait: '1s' }, async (messages, ctx) => {
      const payloads = messages.map(({ payload }) => payload)
      if (payloads.length > 1) throw new Error('all')
      await trial.handle(payloads, ctx, false)
      if (payloads[0] === 'a1' && ctx.attempt < 4) throw new Error('again')
    })
    await trial.send(['a1', 'b1', 'a2'])
    await trial.testbed.start(worker)
    await trial.handled()
    expect(trial.seen.flat().filter((payload) => payload !== 'b1')).toEqual(['a1', 'a1', 'a1', 'a2'])
  })
  it('An interrupted batch with an expired message leaves the others to be handled alone, with their keyed effects.', async () => {
    const trial = await begin()
    await trial.send(['a1'])
    await trial.send(['b1'], { ttl: '30m' })
    await trial.send(['a2'])
    await trial.breakOff(trial.batches(3, { breaksOff: true }))
    await trial.testbed.clock.advance('40m')
    await trial.testbed.start(trial.batches(3))
    await trial.handled()
    expect(trial.seen).toEqual([['a1'], ['a2']])
    expect(trial.paid).toEqual(['a1', 'b1', 'a2'])
    expect(await trial.dead()).toEqual([])
  })
  it('An interrupted batch with an expired message dead-letters the others if its effects have no keys.', async () => {
    const trial = await begin()
    trial.keyed = false
    await trial.send(['a1'], { ttl: '30m' })
    await trial.send(['b1', 'c1'])
    await trial.breakOff(trial.batches(3, { breaksOff: true }))
    await trial.testbed.clock.advance('40m')
    await trial.testbed.start(trial.batches(3))
    await trial.handled()
    expect(trial.seen).toEqual([])
    expect(trial.paid).toEqual(['a1', 'b1', 'c1'])
    expect(await trial.dead()).toEqual([1, 2].map(() => expect.stringMatching(/effect pay has no key/)))
  })
  it('An interrupted batch is dissolved when a worker without batches handles part of it.', async () => {
    const trial = await begin()
    await trial.send(['a1', 'b1', 'b2'])
    await trial.breakOff(trial.batches(3, { breaksOff: true }))
    const alone = new Worker('W').on(Note, ({ payload }, ctx) => trial.handle([payload], ctx, true))
    await trial.breakOff(alone, 2)
    await trial.testbed.start(trial.batches(3))
    await trial.until(() => trial.seen.length === 3)
    await trial.answer()
    await trial.answer()
    await trial.handled()
    expect(trial.seen.map((one) => one.length)).toEqual([1, 1, 1])
    expect(trial.paid).toEqual(['a1', 'b1', 'b2'])
  })
  it('An interrupted batch is handled one by one if the next attempt is the last.', async () => {
    const trial = await begin({ maxAttempts: 2 })
    await trial.send(['a1', 'a2', 'b1'])
    await trial.breakOff(trial.batches(3, { breaksOff: true }))
    await trial.testbed.start(trial.batches(3))
    await trial.handled()
    expect(trial.seen).toEqual(expect.arrayContaining([['a1'], ['a2'], ['b1']]))
    expect(trial.paid).toEqual(['a1', 'a2', 'b1'])
  })
  it('An interrupted batch is handled one by one if the worker accepts only some of its senders.', async () => {
    const trial = await begin()
    await trial.send(['a1', 'b1', 'c1'])
    await trial.breakOff(trial.batches(3, { breaksOff: true }))
    const worker = trial.batches(3)
    worker.authorizePeer = ({ name }) => name !== 'from b'
    await trial.testbed.start(worker)
    await trial.handled()
    expect(trial.seen).toEqual([['a1'], ['c1']])
    expect(trial.paid).toEqual(['a1', 'b1', 'c1'])
    expect(await trial.dead()).toEqual([expect.stringContaining('does not accept')])
  })
})
