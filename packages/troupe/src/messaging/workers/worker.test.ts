import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CriticalError, systemClock } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { matchesPresence } from './presence.ts'
import { Worker } from './worker.ts'

const Note = defineMessage<string | number>('note')
const Order = defineMessage('order.place', z.object({ n: z.int() }), { reply: z.object({ left: z.number() }) })

const { testbed } = messagingTestbeds()

class Stock extends Worker {
  stock = 5
  constructor() {
    super('Stock')
    this.on(Order, this.onOrder)
  }
  onOrder(message: { readonly payload: { readonly n: number } }) {
    this.stock -= message.payload.n
    return { left: this.stock }
  }
}
class Recording extends Worker {
  readonly log: unknown[] = []
}

describe('a worker', () => {
  it('A worker handles its types with its own `this`, and the return value of the handler is the reply.', async () => {
    const { start, agent } = await testbed()
    const stock = new Stock()
    const running = await start(stock)
    expect(await agent('A').messages.request(Order, { n: 2 }, { to: 'Stock', timeout: '10s' })).toEqual({ left: 3 })
    expect(stock.stock).toBe(3)
    await running.stop()
    await agent('A').messages.send(Order, { n: 1 }, { to: 'Stock' })
    expect(stock.stock).toBe(3)
    const next = new Stock()
    await start(next)
    while (next.stock !== 4) await new Promise<void>((resolve) => void systemClock.soon(resolve))
  })
  it('A worker cannot be started twice.', async () => {
    const { start } = await testbed()
    const stock = new Stock()
    await start(stock)
    await expect(start(stock)).rejects.toMatchObject({ code: 'worker.started' })
  })
  it('A worker survives thrown values of every kind, and continues.', async () => {
    const { start, agent, clock } = await testbed({ config: { maxAttempts: 1 } })
    const failures: unknown[] = []
    class Failing extends Recording {
      constructor() {
        super('W')
        this.on(Note, ({ payload }) => {
          this.log.push(payload)
          if (payload === 'sync') throw new TypeError('sync')
          if (payload === 'text') throw 'a text'
          if (payload === 'undef') return Promise.reject(undefined)
          return undefined
        })
      }
      override onFailure(error: unknown) {
        failures.push(error)
        throw new Error('even here')
      }
    }
    const worker = new Failing()
    await start(worker)
    for (const payload of ['sync', 'text', 'undef', 'last']) await agent('A').messages.send(Note, payload, { to: 'W' })
    await until(clock, () => worker.log.includes('last'))
    const dead = (await agent('W').mailbox.deadLetters()).items
    expect(dead.map(({ message, reason }) => [message.payload, reason.replace(/ \[err_\w+\]$/, '')])).toEqual([
      ['sync', 'TypeError: sync'],
      ['text', 'Error: thrown: a text'],
      ['undef', expect.any(String)],
    ])
    expect(failures).toHaveLength(3)
  })
  it('A worker retries with growing pauses and then dead-letters, and dead-letters at once after a critical error.', async () => {
    const { start, agent, clock } = await testbed()
    const worker = new Recording('W', { retry: { attempts: 3, backoff: '1s' } })
    const at: number[] = []
    worker.on(Note, ({ payload }) => {
      at.push(clock.now())
      throw payload === 'critical' ? new CriticalError('no') : new Error('no')
    })
    await start(worker)
    await agent('A').messages.send(Note, 'again', { to: 'W' })
    await until(clock, async () => (await agent('W').mailbox.counts()).dead === 1)
    expect(at).toHaveLength(3)
    const [first = 0, second = 0] = at.map((time, i) => time - (at[i - 1] ?? time)).slice(1)
    expect(first).toBeGreaterThanOrEqual(500)
    expect(second).toBeGreaterThanOrEqual(1_000)
    await agent('A').messages.send(Note, 'critical', { to: 'W' })
    await until(clock, async () => (await agent('W').mailbox.counts()).dead === 2)
    expect(at).toHaveLength(4)
  })
  it('A worker rejects more attempts than its mailbox allows.', async () => {
    const { start } = await testbed({ config: { maxAttempts: 2 } })
    await expect(start(new Worker('W', { retry: { attempts: 3 } }))).rejects.toMatchObject({
      code: 'validation.failed',
    })
  })
  it('A worker rejects its start with the error of onStart, and is not present then.', async () => {
    const { start, presence } = await testbed()
    const broken = new Worker('Broken')
    broken.onStart = async () => {
      throw new Error('cannot start')
    }
    await expect(start(broken)).rejects.toThrow('cannot start')
    expect(await presence.namesOf('ada')).toEqual([])
    broken.onStart = () => undefined
    await start(broken)
    expect(await presence.namesOf('ada')).toEqual(['Broken'])
  })
  it('A worker gives unhandled messages to onMessage, and dead-letters them with the reason without it.', async () => {
    const { start, agent, clock } = await testbed()
    const catching = new Recording('Catching')
    catching.onMessage = ({ type, payload }) => catching.log.push([type, payload])
    await start(catching)
    await start(new Worker('Plain'))
    await agent('A').messages.send(Note, 1, { to: 'Catching' })
    const answer = agent('A').messages.request(Note, 2, { to: 'Plain' })
    await expect(answer).rejects.toMatchObject({ name: 'ProcessingError', code: 'request.failed' })
    await until(clock, () => catching.log.length > 0)
    expect(catching.log).toEqual([['note', 1]])
    expect((await agent('Plain').mailbox.deadLetters()).items[0]?.reason).toMatch(/no handler for note/)
  })
  it('A worker whose handler fails for good rejects the request.', async () => {
    const { start, agent } = await testbed({ config: { maxAttempts: 1 } })
    const worker = new Worker('W').on(Order, () => {
      throw new Error('out of stock')
    })
    await start(worker)
    await expect(agent('A').messages.request(Order, { n: 1 }, { to: 'W' })).rejects.toThrow(/out of stock/)
  })
  it('A worker checks its replies by their schema.', async () => {
    const { start, agent } = await testbed({ config: { maxAttempts: 1 } })
    // @ts-expect-error: the schema of the reply says a number.
    await start(new Worker('W').on(Order, () => ({ left: 'many' })))
    await expect(agent('A').messages.request(Order, { n: 1 }, { to: 'W' })).rejects.toThrow(/reply to order.place/)
  })
  it('A worker commits context, messages and the acknowledgement together, and nothing of a failed handler.', async () => {
    const { start, agent, clock, mesh } = await testbed({ config: { maxAttempts: 2 } })
    const worker = new Recording('W', { retry: { backoff: '1s' } })
    worker.on(Note, async ({ payload }, ctx) => {
      await ctx.context.push('count', ctx.attempt)
      await ctx.messages.send(Note, `${payload}-${ctx.attempt}`, { to: 'Next' })
      worker.log.push(ctx.attempt)
      if (ctx.attempt === 1) throw new Error('first')
    })
    await start(worker)
    await agent('A').messages.send(Note, 'x', { to: 'W' })
    await until(clock, () => worker.log.length === 1, '1ms')
    expect(await agent('Next').drain()).toEqual([])
    await until(clock, async () => (await agent('Next').mailbox.counts()).waiting === 1)
    expect(await agent('Next').drain()).toEqual(['x-2'])
    expect(await mesh.agent('ada', 'W').get('count')).toBe(2)
    expect(await agent('W').mailbox.counts()).toMatchObject({ waiting: 0, leased: 0, dead: 0 })
  })
  it('A restarted worker resumes a waiting handler without repeating its effects.', async () => {
    const { start, agent, clock } = await testbed()
    const Ask = defineMessage<string>('ask')
    let charged = 0
    const make = () => {
      const worker = new Recording('Front')
      return worker.on(Ask, async (_, ctx) => {
        await ctx.effect('charge', { class: 'at-most-once' }, () => ++charged)
        worker.log.push(await ctx.messages.request(Order, { n: 1 }, { to: 'Stock', timeout: '1h' }))
      })
    }
    const first = await start(make())
    await agent('A').messages.send(Ask, 'x', { to: 'Front' })
    await until(clock, async () => (await agent('Stock').mailbox.counts()).waiting === 1, '1ms')
    await first.stop()
    const second = make()
    await start(second)
    await start(new Stock())
    await until(clock, () => second.log.length === 1)
    expect(second.log).toEqual([{ left: 4 }])
    expect(charged).toBe(1)
    expect(await agent('Stock').mailbox.counts()).toMatchObject({ waiting: 0, leased: 0 })
  })
  it('A worker repeats unkeyed effects of a failed attempt in the next attempt.', async () => {
    const { start, agent, clock } = await testbed()
    const worker = new Recording('W')
    worker.on(Note, async (_, ctx) => {
      worker.log.push(await ctx.effect('charge', { class: 'idempotent' }, () => ctx.attempt))
      if (ctx.attempt === 1) throw new Error('later')
    })
    await start(worker)
    await agent('A').messages.send(Note, 1, { to: 'W' })
    await until(clock, () => worker.log.length === 2)
    expect(worker.log).toEqual([1, 2])
  })
  it('A worker answers a keyed effect from an earlier attempt.', async () => {
    const { start, agent, clock } = await testbed()
    let charged = 0
    const worker = new Recording('W').on(Note, async ({ payload }, ctx) => {
      worker.log.push(await ctx.effect('charge', { class: 'at-most-once', key: `charge-${payload}` }, () => ++charged))
      if (ctx.attempt < 3) throw new Error('later')
    })
    await start(worker)
    for (const n of [1, 2]) await agent('A').messages.send(Note, n, { to: 'W' })
    await until(clock, () => worker.log.length === 6)
    expect(worker.log).toEqual([1, 1, 1, 2, 2, 2])
  })
  it('A handler sends a request and continues with the answer.', async () => {
    const { start, agent } = await testbed()
    await start(new Stock())
    const Ask = defineMessage<string>('ask')
    await start(
      new Worker('Front').on(
        Ask,
        async (_, ctx) => (await ctx.messages.request(Order, { n: 1 }, { to: 'Stock' })).left * 10,
      ),
    )
    expect(await agent('A').messages.request(Ask, 'how many?', { to: 'Front' })).toBe(40)
  })
  it('A worker renews the lease of a slow handler, so that no other consumer gets its message.', async () => {
    const { start, agent, clock } = await testbed({ config: { lease: '3s' } })
    const worker = new Recording('W')
    let finish = () => {}
    worker.on(Note, ({ payload }) => {
      worker.log.push(payload)
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    await start(worker)
    await agent('A').messages.send(Note, 1, { to: 'W' })
    await until(clock, () => worker.log.length === 1)
    for (let i = 0; i < 20; i++) await clock.advance('1s')
    expect(await agent('W').mailbox.receive()).toEqual([])
    finish()
    await until(clock, async () => (await agent('W').mailbox.counts()).leased === 0)
    expect(worker.log).toEqual([1])
  })
})

describe('the presence of workers', () => {
  it('A worker watches presence by pattern, earlier workers included, itself excluded, each once.', async () => {
    const { start, clock } = await testbed({ heartbeat: '300ms' })
    const early = await start(new Worker('Bob', { role: 'bidder', topics: ['sales'] }))
    const seen: Record<string, string[]> = { any: [], topic: [], topicRole: [], role: [], left: [] }
    const watch = new Worker('Watch', { role: 'bidder', topics: ['sales'] })
    for (const [list, pattern] of [
      ['any', '*'],
      ['topic', 'sales'],
      ['topicRole', 'sales:bidder'],
      ['role', '*:bidder'],
    ] as const)
      watch.onConnect(pattern, ({ name }) => seen[list]?.push(name))
    watch.onDisconnect('*', ({ name }) => seen.left?.push(name))
    await start(watch)
    await start(new Worker('Cy', { role: 'clerk', topics: ['sales'] }))
    await start(new Worker('Di', { role: 'bidder', topics: ['ops'] }))
    const foreign = await start(new Worker('Foreign', { role: 'bidder', topics: ['sales'] }), 'bob')
    for (let i = 0; i < 10; i++) await clock.advance('300ms')
    await early.stop()
    await foreign.stop()
    await clock.advance('300ms')
    expect(seen).toEqual({
      any: ['Bob', 'Cy', 'Di'],
      topic: ['Bob', 'Cy'],
      topicRole: ['Bob'],
      role: ['Bob', 'Di'],
      left: ['Bob'],
    })
  })
  it('A worker notices within twice the heartbeat that a process died.', async () => {
    const { start, clock, storage } = await testbed({ heartbeat: '10s' })
    const { Presence } = await import('./presence.ts')
    const { createEvents, createIds, seededRandom } = await import('../../core/index.ts')
    const ids = createIds(clock, seededRandom('other'))
    const other = new Presence({
      storage,
      clock,
      ids,
      events: createEvents(() => {}),
      processId: 'other',
      heartbeatMs: 10_000,
    })
    await other.join('ada', { name: 'Far', role: 'r', topics: [] })
    const seen: string[] = []
    const watch = new Worker('Watch')
    watch.onConnect('*', ({ name, processId }) => seen.push(`+${name}@${processId}`))
    watch.onDisconnect('*', ({ name }) => seen.push(`-${name}`))
    await start(watch)
    await clock.advance('1m')
    expect(seen).toEqual(['+Far@other'])
    other.close()
    const died = clock.now()
    await until(clock, () => seen.length === 2, '1s')
    expect(seen[1]).toBe('-Far')
    expect(clock.now() - died).toBeLessThanOrEqual(20_000)
  })
  it('A presence pattern matches topics and roles that contain colons.', () => {
    expect(matchesPresence('a:b:c', { role: 'c', topics: ['a:b'] })).toBe(true)
    expect(matchesPresence('a:b:c', { role: 'b:c', topics: ['a'] })).toBe(true)
    expect(matchesPresence('a:x', { role: 'c', topics: ['a'] })).toBe(false)
    expect(matchesPresence('a', { role: 'a', topics: [] })).toBe(false)
  })
})
