import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { Worker, type WorkerOptions } from '../workers/worker.ts'
import type { SuperviseChild, SuperviseOptions } from './supervise-options.ts'

const Note = defineMessage<string>('note')

let testbed: MessagingTestbed
/** What workers did, in order. */
let log: string[]
beforeEach(async () => {
  testbed = await openMessagingTestbed({ config: { maxAttempts: 3 } })
  log = []
})
afterEach(() => testbed.close())

/** Starts and stops are written down; so many of its first starts fail. */
class Logged extends Worker {
  readonly #fails: () => boolean
  constructor(name: string, fails = () => false, options: WorkerOptions = {}) {
    super(name, options)
    this.#fails = fails
  }
  override onStart() {
    if (this.#fails()) throw new Error(`${this.name} is broken`)
    log.push(`+${this.name}`)
  }
  override onStop() {
    log.push(`-${this.name}`)
  }
}
const failing = (name: string, times: number): (() => Worker) => {
  let left = times
  return () => new Logged(name, () => left-- > 0)
}
/** One that fails at everything when it is told to. */
const crashing = (name: string, options?: WorkerOptions) => () =>
  new Logged(name, undefined, options).on(Note, () => {
    throw new Error('it can do nothing')
  })

async function until(holds: () => boolean | Promise<boolean>) {
  for (let i = 0; i < 5_000; i++) {
    if (await holds()) return
    await testbed.clock.advance('50ms')
  }
  throw new Error('it never came true')
}
/** Starts it while the clock goes on. */
async function supervise(children: readonly SuperviseChild[], options?: SuperviseOptions) {
  const supervisor = testbed.supervisor(children, options)
  let outcome: { readonly error?: unknown } | undefined
  supervisor.start().then(
    () => {
      outcome = {}
    },
    (error: unknown) => {
      outcome = { error }
    },
  )
  await until(() => outcome !== undefined)
  return { supervisor, error: outcome?.error }
}
const emitted = (type: string) => testbed.events.filter((event) => event.type === type)
const crash = (name: string) => testbed.agent('Host').messages.send(Note, 'crash', { to: name })

describe('a supervisor', () => {
  it('A supervisor starts workers in order, retries failed starts with growing pauses, and stops in reverse order.', async () => {
    const { supervisor, error } = await supervise([() => new Logged('A'), failing('B', 3), () => new Logged('C')])
    expect(error).toBeUndefined()
    expect(log).toEqual(['+A', '+B', '+C'])
    expect(supervisor.status).toBe('running')
    expect(supervisor.children()).toMatchObject([
      { name: 'A', status: 'running', restarts: 0 },
      { name: 'B', status: 'running', restarts: 1, error: { message: 'B is broken' } },
      { name: 'C', status: 'running', restarts: 0 },
    ])
    const [first, second, third] = emitted('worker.crashed').map(({ at }) => at) as [number, number, number]
    // Full jitter: half to all of 100 ms and 200 ms.
    expect(second - first).toBeGreaterThanOrEqual(50)
    expect(third - second).toBeGreaterThanOrEqual(100)
    expect(emitted('worker.restarted')).toMatchObject([{ agent: 'B', restarts: 1 }])
    await supervisor.stop()
    expect(log.slice(3)).toEqual(['-C', '-B', '-A'])
    expect(await supervisor.ended).toEqual({ status: 'stopped' })
  })

  it('A supervisor escalates after too many failures and stops its workers, even if its callback throws.', async () => {
    const seen: Error[] = []
    const onEscalated = (error: Error) => {
      seen.push(error)
      throw new Error('nobody is to notice')
    }
    const { supervisor, error } = await supervise([() => new Logged('A'), failing('B', 100)], {
      restarts: { max: 3, within: '1m' },
      onEscalated,
    })
    expect(error).toMatchObject({ code: 'supervision.escalated', cause: { message: 'B is broken' } })
    expect(seen).toEqual([error])
    expect(emitted('worker.crashed')).toHaveLength(4)
    expect(emitted('supervision.escalated')).toMatchObject([
      { supervisor: 'supervisor', failures: 4, code: 'agent.failed' },
    ])
    expect(log).toEqual(['+A', '-A'])
    expect(supervisor.children().map(({ status }) => status)).toEqual(['stopped', 'stopped'])
    expect(supervisor.status).toBe('escalated')
    expect(await supervisor.ended).toMatchObject({ status: 'escalated' })
    // Messages wait for whoever comes next.
    await crash('A')
    expect(await testbed.agent('A').mailbox.counts()).toMatchObject({ waiting: 1 })
  })

  it('A supervisor counts only the failures within its window.', async () => {
    const options = { restarts: { max: 1, within: '2s' }, failures: 1 } as const
    const { supervisor } = await supervise([crashing('A', { retry: { attempts: 1 } })], options)
    for (let n = 1; n <= 20; n++) {
      await crash('A')
      await until(() => supervisor.children()[0]?.restarts === n && supervisor.status === 'running')
      await testbed.clock.advance('2s')
    }
    // Two within the window are one too many.
    await crash('A')
    await crash('A')
    await until(() => supervisor.status === 'escalated')
  })

  it('A supervisor survives a thousand crashes if its limit allows them.', async () => {
    const { supervisor, error } = await supervise([failing('A', 1_000)], {
      restarts: { max: 1_000 },
      backoff: '1ms',
      maxBackoff: '1ms',
    })
    expect(error).toBeUndefined()
    expect(emitted('worker.crashed')).toHaveLength(1_000)
    expect(log).toEqual(['+A'])
    expect(supervisor.status).toBe('running')
  })

  it('A supervisor restarts a worker after so many handler errors in a row, and otherwise ignores handler errors.', async () => {
    const { supervisor } = await supervise([crashing('A')])
    await crash('A')
    await until(async () => (await testbed.agent('A').mailbox.counts()).dead === 1)
    expect(supervisor.children()).toMatchObject([{ status: 'running', restarts: 0 }])
    await supervisor.stop()
    log.length = 0

    let made = 0
    const heals = () => {
      const mine = ++made
      return new Logged('B').on(Note, () => {
        if (mine === 1) throw new Error('the connection is gone')
        log.push('handled')
      })
    }
    const second = await supervise([heals], { failures: 2 })
    await crash('B')
    await until(() => log.includes('handled'))
    expect(log).toEqual(['+B', '-B', '+B', 'handled'])
    expect(second.supervisor.children()).toMatchObject([
      { restarts: 1, error: { code: 'worker.failing', cause: { message: 'the connection is gone' } } },
    ])
    expect(await testbed.agent('B').mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, leased: 0 })
  })

  it('A supervisor aborts a handler that hangs, and the next worker handles its message without repeating an effect.', async () => {
    let charged = 0
    let made = 0
    const wake = Promise.withResolvers<void>()
    const late: unknown[] = []
    const hanging = () => {
      const first = ++made === 1
      return new Logged('A').on(Note, async (_, ctx) => {
        await ctx.effect('charge', { class: 'at-most-once', key: 'order 1' }, () => ++charged)
        if (first) {
          // It listens to no signal.
          await wake.promise
          await ctx.context.push('late', true).catch((error: unknown) => late.push(error))
        }
        await ctx.context.push('done', true)
      })
    }
    const { supervisor } = await supervise([hanging], { hang: '1m' })
    await crash('A')
    await until(async () => (await testbed.mesh.host('ada').get('done')) === true)
    expect(supervisor.children()).toMatchObject([{ restarts: 1, error: { code: 'worker.hung' } }])
    expect([charged, made]).toEqual([1, 2])
    wake.resolve()
    await until(() => late.length > 0)
    expect(late).toMatchObject([{ name: 'CancelledError' }])
    expect(await testbed.mesh.host('ada').get('late')).toBeUndefined()
  })

  it('A supervisor treats a start that hangs as failed, and stops the worker if the start ends later.', async () => {
    const wake = Promise.withResolvers<void>()
    let made = 0
    class Slow extends Logged {
      override async onStart() {
        if (++made === 1) await wake.promise
        super.onStart()
      }
    }
    const { supervisor } = await supervise([() => new Slow('A')], { hang: '10s' })
    expect(supervisor.children()).toMatchObject([{ status: 'running', restarts: 1, error: { code: 'worker.hung' } }])
    wake.resolve()
    await until(() => log.length === 3)
    expect(log).toEqual(['+A', '+A', '-A'])
    await crash('A')
    await until(async () => (await testbed.agent('A').mailbox.counts()).dead === 1)
  })

  it.each([
    ['one-for-one', ['-B', '+B']],
    ['one-for-all', ['-C', '-B', '-A', '+A', '+B', '+C']],
    ['rest-for-one', ['-C', '-B', '+B', '+C']],
  ] as const)(
    'The strategy %s restarts the workers that it names, and stops the last one first.',
    async (strategy, expected) => {
      const { supervisor } = await supervise([() => new Logged('A'), crashing('B'), () => new Logged('C')], {
        strategy,
        failures: 1,
        restarts: { max: 1 },
      })
      log.length = 0
      await crash('B')
      await until(() => log.length >= expected.length)
      expect(log.slice(0, expected.length)).toEqual(expected)
      // The message crashes it once more, which is one too many.
      expect(await supervisor.ended).toMatchObject({ status: 'escalated' })
    },
  )

  it('A supervisor restarts a group that escalated, and escalates after its own limit.', async () => {
    const group = { name: 'back', children: [() => new Logged('B'), crashing('C')], failures: 1, restarts: { max: 0 } }
    const { supervisor } = await supervise([() => new Logged('A'), group], {
      strategy: 'rest-for-one',
      restarts: { max: 1 },
    })
    expect(supervisor.children()).toMatchObject([
      { name: 'A' },
      { name: 'back', children: [{ name: 'B' }, { name: 'C' }] },
    ])
    await crash('C')
    await until(() => supervisor.status === 'escalated')
    await supervisor.ended
    expect(log).toEqual(['+A', '+B', '+C', '-C', '-B', '+B', '+C', '-C', '-B', '-A'])
    expect(emitted('supervision.escalated').map((event) => event.supervisor)).toEqual(['back', 'back', 'supervisor'])
  })

  it('A supervisor that is stopped starts no worker any more, between two starts either.', async () => {
    const supervisor = testbed.supervisor([() => new Logged('A'), failing('B', 100)], {
      backoff: '1h',
      maxBackoff: '1h',
    })
    const started = supervisor.start()
    await until(() => emitted('worker.crashed').length === 1)
    expect(supervisor.status).toBe('starting')
    await supervisor.stop()
    await started
    await testbed.clock.advance('2h')
    expect(log).toEqual(['+A', '-A'])
    expect(supervisor.status).toBe('stopped')
  })

  it('A supervisor rejects invalid children and options before it starts a worker.', () => {
    const one = () => new Logged('A')
    const wrong: [unknown, unknown?][] = [
      [[]],
      ['A'],
      [[new Logged('A')]],
      [[() => 5]],
      [[one], { strategy: 'all' }],
      [[one], { restarts: { max: -1 } }],
      [[one], { restarts: { maximum: 1 } }],
      [[one], { restarts: { within: '0s' } }],
      [[one], { backoff: 5 }],
      [[one], { hang: '0ms' }],
      [[one], { failures: 0 }],
      [[one], { onEscalated: 'page' }],
      [[one, { children: [one], stratgy: 'one-for-all' }]],
      [[one, { children: [] }]],
    ]
    for (const [children, options] of wrong)
      expect(
        () => testbed.supervisor(children as never, options as never),
        JSON.stringify([children, options]),
      ).toThrow(expect.objectContaining({ name: 'ValidationError' }))
    expect(log).toEqual([])
  })

  it('A supervisor never runs two workers of one child, whatever crashes when.', async () => {
    const strategies = fc.constantFrom('one-for-one', 'one-for-all', 'rest-for-one')
    const crashPlan = fc.array(fc.tuple(fc.nat(2), fc.constantFrom('start', 'handle')), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(strategies, crashPlan, async (strategy, crashes) => {
        const alive = [0, 0, 0]
        const startFails = [0, 1, 2].map((n) => crashes.filter(([of, how]) => of === n && how === 'start').length)
        class Counted extends Worker {
          readonly index: number
          constructor(index: number) {
            super(`W${index}`)
            this.index = index
            this.on(Note, () => {
              throw new Error('crash')
            })
          }
          override onStart() {
            if ((startFails[this.index] as number) > 0 && (startFails[this.index] as number)--) throw new Error('start')
            alive[this.index] = (alive[this.index] as number) + 1
            expect(alive[this.index]).toBe(1)
          }
          override onStop() {
            alive[this.index] = (alive[this.index] as number) - 1
          }
        }
        const options = { strategy, failures: 1, restarts: { max: 1_000 } } as const
        const { supervisor } = await supervise(
          [0, 1, 2].map((n) => () => new Counted(n)),
          options,
        )
        const handled = crashes.filter(([, how]) => how === 'handle')
        for (const [n] of handled) await crash(`W${n}`)
        const dead = async () => {
          const counts = await Promise.all([0, 1, 2].map((n) => testbed.agent(`W${n}`).mailbox.counts()))
          return counts.every(({ waiting, leased }) => waiting + leased === 0)
        }
        await until(async () => (await dead()) && supervisor.status === 'running')
        expect(alive).toEqual([1, 1, 1])
        await supervisor.stop()
        expect(alive).toEqual([0, 0, 0])
      }),
      { numRuns: 15, seed: 7 },
    )
  })
})
