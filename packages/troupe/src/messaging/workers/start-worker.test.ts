/** What a worker's options and hooks do, and what one worker leaves to the others. */
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../core/index.ts'
import type { Message } from '../message.ts'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { MessageConfirmed, MessageRejected } from '../sending/message-confirmed.ts'
import { type FailureDetails, Worker } from './worker.ts'

const Note = defineMessage<string>('note')

const { testbed } = messagingTestbeds()
const aWhile = async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
}

describe('the end of a worker', () => {
  it('A worker whose leave cannot be announced ends completely, and `stop` rejects with the error.', async () => {
    const { start, presence } = await testbed()
    const join = presence.join.bind(presence)
    presence.join = async (...announced) => ({
      ...(await join(...announced)),
      leave: () => Promise.reject(new Error('no connection')),
    })
    const ended: string[] = []
    const worker = new Worker('W')
    worker.use({ stop: () => void ended.push('resource') })
    worker.onStop = () => void ended.push('worker')
    const started = await start(worker)
    await expect(started.stop()).rejects.toThrow('no connection')
    expect(ended).toEqual(['worker', 'resource'])
    await start(worker)
  })
})

describe('a worker that its own code stops', () => {
  it('A worker whose handler awaits `stop` ends after that handler, and receives no more messages.', async () => {
    const { start, agent, clock } = await testbed()
    const done: string[] = []
    const worker = new Worker('W').on(Note, async ({ payload }) => {
      await running.stop()
      done.push(payload)
    })
    worker.onStop = () => void done.push('stopped')
    const running = await start(worker)
    for (const text of ['first', 'second']) await agent('A').messages.send(Note, text, { to: 'W' })
    await until(clock, () => done.includes('stopped'))
    await running.stop()
    expect(done).toEqual(['first', 'stopped'])
    expect(await agent('W').mailbox.counts()).toMatchObject({ unread: 1, dead: 0 })
  })
  it('A worker whose `onConnect` awaits `stop` ends after it.', async () => {
    const { start, clock } = await testbed()
    const done: string[] = []
    const worker = new Worker('W').onConnect('*', async () => {
      await running.stop()
      done.push('connected')
    })
    worker.onStop = () => void done.push('stopped')
    const running = await start(worker)
    await start(new Worker('B'))
    await until(clock, () => done.includes('stopped'))
    expect(done).toEqual(['connected', 'stopped'])
  })
  it('A worker that its handler stops reports an error of its `onStop`.', async () => {
    const { start, agent, clock } = await testbed()
    const failures: unknown[] = []
    const worker = new Worker('W').on(Note, () => running.stop())
    worker.onStop = () => {
      throw new Error('no connection')
    }
    worker.onFailure = (error) => void failures.push(error)
    const running = await start(worker)
    await agent('A').messages.send(Note, 'x', { to: 'W' })
    await until(clock, () => failures.length === 1)
    await expect(running.stop()).rejects.toThrow('no connection')
    expect(failures).toEqual([expect.objectContaining({ message: 'no connection' })])
  })
})

describe('the options of a worker', () => {
  it('A worker handles one message at a time by default, from several senders too.', async () => {
    const { start, agent, clock } = await testbed()
    let [working, peak, count] = [0, 0, 0]
    const worker = new Worker('W').on(Note, async () => {
      peak = Math.max(peak, ++working)
      await aWhile()
      working--
      count++
    })
    for (const from of ['X', 'Y', 'Z']) await agent(from).messages.send(Note, from, { to: 'W' })
    await start(worker)
    await until(clock, () => count === 3)
    expect(peak).toBe(1)
  })
  it('A worker lets the pauses between its attempts grow to maxBackoff.', async () => {
    const { start, agent, clock } = await testbed({ config: { maxAttempts: 8 } })
    const at: number[] = []
    const worker = new Worker('W', { retry: { backoff: '1s', maxBackoff: '4s' } }).on(Note, () => {
      at.push(clock.now())
      throw new Error('no')
    })
    await start(worker)
    await agent('A').messages.send(Note, 'x', { to: 'W' })
    await until(clock, async () => (await agent('W').mailbox.counts()).dead === 1)
    const pauses = at.slice(1).map((time, i) => time - (at[i] ?? 0))
    expect(pauses).toHaveLength(7)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(6_100)
    expect(Math.min(...pauses.slice(2))).toBeGreaterThanOrEqual(2_000)
  })
  it('The access of a worker bounds its own calls and those of its handlers.', async () => {
    const { start, agent, clock, events } = await testbed({ config: { maxAttempts: 1 } })
    const worker = new Worker('W', { access: { deny: ['send_message_to_agent'] } }).on(Note, (_, ctx) =>
      ctx.messages.send(Note, 'on behalf', { to: 'B' }),
    )
    await start(worker)
    await expect(worker.send(Note, 'by itself', { to: 'B' })).rejects.toMatchObject({ code: 'access.denied' })
    await agent('A').messages.send(Note, 'x', { to: 'W' })
    await until(clock, async () => (await agent('W').mailbox.counts()).dead === 1)
    expect(await agent('B').drain()).toEqual([])
    expect(events.filter(({ type }) => type === 'incident.recorded')).toHaveLength(2)
  })
  it.each([
    [{ concurency: 2 }, 'concurrency'],
    [{ retry: { attempt: 2 } }, 'attempts'],
  ])('A worker rejects the misspelt options %o and names the nearest option.', (options, meant) => {
    expect(() => new Worker('W', options as never)).toThrow(expect.objectContaining({ hint: `Did you mean ${meant}?` }))
  })
  it.each([[{ concurrency: 0 }], [{ topics: 'sales' }], [{ role: 7 }], [{ retry: { attempts: 0.5 } }]])(
    'A worker rejects the invalid options %o with a ValidationError.',
    (options) => {
      expect(() => new Worker('W', options as never)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
    },
  )
  it('A worker handles a type by its last registration, one by one or in batches.', async () => {
    const { start, agent, clock } = await testbed()
    const received: unknown[] = []
    const batches = (worker: Worker) =>
      worker.onBatch(
        Note,
        { size: 2, wait: '1s' },
        (messages) => void received.push(messages.map(({ payload }) => payload)),
      )
    const alone = (worker: Worker) => worker.on(Note, ({ payload }) => void received.push(payload))
    await start(batches(alone(new Worker('Batches'))))
    await start(alone(batches(new Worker('Alone'))))
    for (const to of ['Batches', 'Alone'])
      for (const payload of ['x', 'y']) await agent('A').messages.send(Note, payload, { to })
    await until(clock, () => received.length === 3)
    expect(received).toEqual(expect.arrayContaining([['x', 'y'], 'x', 'y']))
  })
  it('A started worker sends messages that are stored at once.', async () => {
    const { start, agent } = await testbed({ subscribers: { news: ['B'] } })
    const worker = new Worker('W')
    const early = [
      worker.send(Note, 'early', { to: 'B' }),
      worker.broadcast(Note, 'early'),
      worker.publish(Note, 'early', { topic: 'news' }),
    ]
    for (const each of early) await expect(each).rejects.toThrow(/not started; start it first/)
    await start(worker)
    await worker.send(Note, 'one', { to: 'B' })
    expect(await worker.broadcast(Note, 'all', { to: ['B'] })).toMatchObject([{ to: 'B', success: true }])
    expect(await worker.publish(Note, 'some', { topic: 'news' })).toMatchObject([{ to: 'B', success: true }])
    const { items } = await agent('B').mailbox.messages()
    expect(items.map(({ from, payload }) => [from, payload])).toEqual(['one', 'all', 'some'].map((what) => ['W', what]))
  })
})

it('A worker receives confirmations and rejections of its messages in its handlers.', async () => {
  const { start, agent, clock } = await testbed({ config: { capacity: { count: 1 } } })
  const received: unknown[] = []
  const worker = new Worker('Desk')
    .on(MessageConfirmed, ({ payload: { by, type } }) => void received.push(['confirmed', by, type]))
    .on(MessageRejected, ({ payload: { to, type } }) => void received.push(['rejected', to, type]))
    .on(Note, async (_, { messages }) => {
      for (const n of ['first', 'second']) await messages.send(Note, n, { to: 'B', requiresConfirmation: true })
    })
  await start(worker)
  await agent('A').messages.send(Note, 'go', { to: 'Desk' })
  await until(clock, () => received.length === 1)
  expect(await agent('B').drain()).toEqual(['first'])
  await until(clock, () => received.length === 2)
  expect(received).toEqual([
    ['rejected', 'B', 'note'],
    ['confirmed', 'B', 'note'],
  ])
})

describe('the presence of a worker', () => {
  it('A broadcast to all reaches a present worker that has no mailbox yet.', async () => {
    const { start, agent } = await testbed()
    await start(new Worker('Fresh'))
    const outcomes = await agent('A').messages.broadcast(Note, 'hello')
    expect(outcomes.map(({ to }) => to)).toEqual(['Fresh'])
  })
})

describe('several workers', () => {
  it('A worker that is stopped or slow does not stop other workers of its process or its name.', async () => {
    const { start, agent, clock } = await testbed()
    const received: string[] = []
    const make = (name: string, as: string) =>
      new Worker(name).on(Note, ({ payload }) => void received.push(`${as} ${payload}`))
    const stuck = Promise.withResolvers<void>()
    const [, one] = await Promise.all([
      start(new Worker('Stuck').on(Note, () => stuck.promise)),
      start(make('Pair', 'one')),
      start(make('Pair', 'two')),
      start(make('Other', 'other')),
    ])
    for (const to of ['Stuck', 'Stuck', 'Other']) await agent('A').messages.send(Note, 'x', { to })
    await until(clock, () => received.length === 1)
    await one?.stop()
    for (const n of ['y', 'z']) await agent('A').messages.send(Note, n, { to: 'Pair' })
    await until(clock, () => received.length === 3)
    expect(received).toEqual(['other x', 'two y', 'two z'])
    stuck.resolve()
  })
  it('A worker receives no message of another worker whose class has the same name.', async () => {
    const { start, agent, clock } = await testbed()
    const received: string[] = []
    const make = (name: string) =>
      new (class NamedWorker extends Worker {
        constructor() {
          super(name)
          this.on(Note, ({ payload }) => void received.push(`${name} ${payload}`))
        }
      })()
    for (const name of ['One', 'Two']) await start(make(name))
    await agent('A').messages.send(Note, 'x', { to: 'Two' })
    await until(clock, () => received.length > 0)
    await clock.advance('1s')
    expect(received).toEqual(['Two x'])
  })
})

it('Fifty receives that wait for an hour execute no more storage calls than one.', async () => {
  const idle = async (waiting: number) => {
    const { agent, clock, storage } = await testbed()
    const { commit, read } = storage
    let calls = 0
    const counted = <Args extends unknown[], Out>(call: (...args: Args) => Out) => {
      return (...args: Args): Out => {
        calls++
        return call.apply(storage, args)
      }
    }
    Object.assign(storage, { commit: counted(commit), read: counted(read) })
    const waits = Array.from({ length: waiting }, (_, i) => agent(`B${i}`).mailbox.receive({ wait: '2h' }))
    await clock.advance('1m')
    expect(calls).toBeGreaterThanOrEqual(waiting)
    calls = 0
    await clock.advance('1h')
    const during = calls
    await clock.advance('1h')
    expect(await Promise.all(waits)).toEqual(waits.map(() => []))
    return during
  }
  expect(await idle(50)).toBe(await idle(1))
})

it('A worker is called at each failure with its attempt, and once for the dead letter.', async () => {
  const { start, agent, clock } = await testbed()
  const received: unknown[] = []
  class Failing extends Worker {
    override onFailure(error: unknown, message?: Message<unknown>, details?: FailureDetails) {
      received.push(['failure', String(error), message?.payload, details?.attempt])
    }
    override onDeadLetter(error: unknown, message: Message<unknown>) {
      received.push(['dead', String(error), message.payload])
    }
  }
  const worker = new Failing('W', { retry: { attempts: 3, backoff: '10ms' } })
  worker.on(Note, (_, { attempt }) => {
    throw new Error(`attempt ${attempt}`)
  })
  await start(worker)
  await agent('A').messages.send(Note, 'x', { to: 'W' })
  await until(clock, () => received.length >= 4)
  await clock.advance('1m')
  expect(received).toEqual([
    ['failure', 'Error: attempt 1', 'x', 1],
    ['failure', 'Error: attempt 2', 'x', 2],
    ['failure', 'Error: attempt 3', 'x', 3],
    ['dead', 'Error: attempt 3', 'x'],
  ])
})
