import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createVirtualClock, failure, RecoverableError, seededRandom, sleep } from '../core/index.ts'
import { Bulkhead } from './bulkhead.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { compilePolicy } from './compile-policy.ts'
import { fallback } from './fallback.ts'
import { wrap } from './policy.ts'
import { BatchProcessor } from './pools/batch-processor.ts'
import { Cache } from './pools/cache.ts'
import { LastKnownGood } from './pools/last-known-good.ts'
import { RateLimiter } from './rate-limiter.ts'
import { retry } from './retry.ts'
import { timeout } from './time-limit.ts'

const random = seededRandom(1)
const fails = async () => Promise.reject(new Error('no'))

describe('a circuit breaker', () => {
  it('A circuit breaker opens after five failures in a row, admits one trial after 60 s, and closes if it succeeds.', async () => {
    const clock = createVirtualClock()
    const breaker = new CircuitBreaker({ clock })
    for (let i = 0; i < 4; i++) await breaker.execute(fails).catch(() => {})
    await breaker.execute(async () => 1)
    for (let i = 0; i < 5; i++) await breaker.execute(fails).catch(() => {})
    expect(breaker.state).toBe('open')
    await expect(breaker.execute(async () => 1)).rejects.toMatchObject({
      name: 'CircuitOpenError',
      code: 'circuit.open',
      message: expect.stringContaining('allowed in 1m.'),
    })
    await clock.advance('42500ms')
    await expect(breaker.execute(async () => 1)).rejects.toThrow('allowed in 18s.')
    await clock.advance('17500ms')
    expect(breaker.state).toBe('half-open')
    const trial = breaker.execute(() => sleep(clock, 1_000))
    await expect(breaker.execute(async () => 1)).rejects.toMatchObject({ code: 'circuit.open' })
    await clock.advance('1s')
    await trial
    expect(breaker.state).toBe('closed')
  })

  it('A circuit breaker opens again if the trial fails, and ignores what does not count.', async () => {
    const clock = createVirtualClock()
    const breaker = new CircuitBreaker({ clock, failures: 1, counts: (error) => (error as Error).message === 'no' })
    await breaker.execute(fails).catch(() => {})
    await clock.advance('60s')
    await breaker.execute(() => Promise.reject(new Error('cancelled'))).catch(() => {})
    expect(breaker.state).toBe('half-open')
    await breaker.execute(fails).catch(() => {})
    expect(breaker.state).toBe('open')
  })

  it('A circuit breaker does not count a cancelled call, and counts a timeout.', async () => {
    const breaker = new CircuitBreaker({ clock: createVirtualClock(), failures: 1 })
    const ends = ({ signal }: { readonly signal: AbortSignal | undefined }) => Promise.reject(signal?.reason)
    const after = async (reason?: unknown) => {
      const controller = new AbortController()
      controller.abort(reason)
      await breaker.execute(ends, { signal: controller.signal }).catch(() => {})
      return breaker.state
    }
    expect(await after()).toBe('closed')
    expect(await after('changed my mind')).toBe('closed')
    expect(await after(failure('timeout', { what: 'The shop', kind: 'tool', limit: '5s' }))).toBe('open')
  })

  it('A circuit breaker ignores the result of a call that began before it opened.', async () => {
    const clock = createVirtualClock()
    const breaker = new CircuitBreaker({ clock, failures: 1 })
    const slow = breaker.execute(() => sleep(clock, 1_000))
    await breaker.execute(fails).catch(() => {})
    await clock.advance('1s')
    await slow
    expect(breaker.state).toBe('open')
  })

  it('A circuit breaker accepts manually recorded results, and does not wait forever for a trial.', async () => {
    const clock = createVirtualClock()
    const breaker = new CircuitBreaker({ clock, failures: 2, pause: '10s' })
    breaker.recordFailure()
    expect(breaker.canExecute()).toBe(true)
    breaker.recordFailure()
    expect(breaker.canExecute()).toBe(false)
    await clock.advance('10s')
    expect([breaker.canExecute(), breaker.canExecute()]).toEqual([true, false])
    await clock.advance('10s')
    expect(breaker.canExecute()).toBe(true)
    breaker.recordSuccess()
    expect(breaker.state).toBe('closed')
  })
})

it('A circuit breaker says with which error it would reject a call, and counts no trial for that.', async () => {
  const clock = createVirtualClock()
  const breaker = new CircuitBreaker({ clock, failures: 1, pause: '10s' })
  const policy = compilePolicy({ breaker: { failures: 1 } }, { what: 'the agent Writer', clock, random })
  expect([breaker.rejection({}), policy.rejection?.({ key: 'ada' })]).toEqual([undefined, undefined])
  await Promise.all([breaker.execute(fails).catch(() => {}), policy.execute(fails).catch(() => {})])
  expect(breaker.rejection({})).toMatchObject({ code: 'circuit.open' })
  expect(policy.rejection?.({ key: 'ada' })).toMatchObject({ code: 'circuit.open' })
  await clock.advance('10s')
  expect(breaker.rejection({})).toBeUndefined()
  expect(breaker.canExecute()).toBe(true)
  expect(breaker.rejection({})).toMatchObject({ code: 'circuit.open' })
})

it('A timeout removes its listener from the signal, also if the function never settles.', async () => {
  const clock = createVirtualClock()
  const { signal } = new AbortController()
  const late = timeout({ clock, limit: '5s', what: 'The shop' }).execute(() => new Promise(() => {}), { signal })
  await Promise.all([expect(late).rejects.toMatchObject({ code: 'timeout' }), clock.advance('5s')])
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

describe('a rate limiter', () => {
  it('A rate limiter allows sixty calls a minute for each key, in a sliding window.', async () => {
    const clock = createVirtualClock()
    const limiter = new RateLimiter({ clock })
    for (let i = 0; i < 30; i++) expect(limiter.isAllowed('ada')).toBe(true)
    await clock.advance('30s')
    for (let i = 0; i < 30; i++) expect(limiter.isAllowed('ada')).toBe(true)
    expect(limiter.take('ada')).toEqual({ allowed: false, remaining: 0, retryAfterMs: 30_000 })
    expect(limiter.isAllowed('bob')).toBe(true)
    await clock.advance('30s')
    expect(limiter.take('ada')).toMatchObject({ allowed: true, remaining: 29 })
    await expect(new RateLimiter({ clock, limit: 1 }).execute(async () => 'ran')).resolves.toBe('ran')
  })

  it('A rate limiter queues calls in order, passes on the place of a cancelled one, and rejects long waits.', async () => {
    const clock = createVirtualClock()
    const limiter = new RateLimiter({ clock, limit: 1, window: '10s' })
    const order: string[] = []
    const controller = new AbortController()
    const wait = (name: string, signal?: AbortSignal) => limiter.wait({ signal }).then(() => void order.push(name))
    await wait('first')
    const second = wait('second')
    const third = wait('third', controller.signal)
    await expect(limiter.wait({ maxWaitMs: 5_000 })).rejects.toMatchObject({
      code: 'rate.limited',
      details: { retryAfterMs: 30_000 },
    })
    controller.abort()
    await expect(third).rejects.toMatchObject({ name: 'CancelledError' })
    const fourth = wait('fourth')
    await clock.advance('20s')
    await Promise.all([second, fourth])
    expect(order).toEqual(['first', 'second', 'fourth'])
  })

  it('A rate limiter counts a bounded number of keys.', () => {
    const limiter = new RateLimiter({ clock: createVirtualClock(), limit: 1, maxKeys: 2 })
    expect(['a', 'b', 'c', 'b', 'a'].map((key) => limiter.isAllowed(key))).toEqual([true, true, true, false, true])
  })
})

describe('a bulkhead', () => {
  it('A bulkhead bounds its calls and its queue, and removes a cancelled call.', async () => {
    const clock = createVirtualClock()
    const bulkhead = new Bulkhead({ concurrent: 2, queue: 1 })
    const controller = new AbortController()
    const run = (signal?: AbortSignal) => bulkhead.execute(() => sleep(clock, 1_000), { signal })
    const running = [run(), run()]
    const waiting = run(controller.signal)
    expect([bulkhead.running, bulkhead.waiting]).toEqual([2, 1])
    await expect(run()).rejects.toMatchObject({ name: 'CapacityError', code: 'bulkhead.full' })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'CancelledError' })
    const next = run()
    await clock.advance('2s')
    await Promise.all([...running, next])
  })
})

describe('retry, timeout, fallback and cache', () => {
  it('A retry tries three times what may be temporary, with growing pauses, and nothing else.', async () => {
    const clock = createVirtualClock()
    let n = 0
    const policy = retry({ clock, random })
    const answered = policy.execute(async () => {
      if (++n < 3) throw new RecoverableError('busy')
      return n
    })
    await clock.advance('10s')
    expect(await answered).toBe(3)
    const rejected = policy.execute(() => Promise.reject(new RecoverableError('busy')))
    rejected.catch(() => {})
    await clock.advance('10s')
    await expect(rejected).rejects.toMatchObject({ name: 'MaxRetriesExceededError', cause: { message: 'busy' } })
    const odd = retry({ attempts: 1, when: () => true, clock, random }).execute(() => Promise.reject(null))
    await expect(odd).rejects.toMatchObject({ name: 'MaxRetriesExceededError', cause: null })
    n = 0
    const defect = policy.execute(() => {
      n++
      return fails()
    })
    await expect(defect).rejects.toThrow('no')
    expect(n).toBe(1)
  })

  it('A retry doubles its pauses with jitter, and waits as long as the service asks for.', async () => {
    const pauses = async (error: unknown, options: object = {}) => {
      const clock = createVirtualClock()
      const at: number[] = []
      const tried = retry({ attempts: 4, clock, random, ...options }).execute(() => {
        at.push(clock.now())
        return Promise.reject(error)
      })
      const ended = tried.catch((thrown: unknown) => thrown)
      await clock.advance('10m')
      return { pauses: at.slice(1).map((each, i) => each - (at[i] as number)), thrown: await ended }
    }
    const seen = []
    for (let i = 0; i < 20; i++) seen.push((await pauses(new RecoverableError('busy'))).pauses)
    for (const [i, limitMs] of [1_000, 2_000, 4_000].entries()) {
      const each = seen.map((found) => found[i] as number)
      expect(Math.min(...each)).toBeGreaterThanOrEqual(limitMs / 2)
      expect(Math.max(...each)).toBeLessThanOrEqual(limitMs)
      expect(new Set(each).size).toBeGreaterThan(15)
    }
    const bounded = await pauses(new RecoverableError('busy'), { backoff: { baseMs: 100, maxMs: 150 } })
    expect(Math.max(...bounded.pauses)).toBeLessThanOrEqual(150)
    const limited = failure('rate.limited', { limit: 1, window: '1m', retryAfterMs: 40_000 })
    expect((await pauses(limited)).pauses).toEqual([40_000, 40_000, 40_000])
    const soon = Object.assign(new RecoverableError('busy'), { retryAfterMs: 1 })
    expect((await pauses(soon)).pauses[2]).toBeGreaterThanOrEqual(2_000)
    const later = new RecoverableError('busy', { details: { retryAfterMs: 3_600_000 } })
    expect(await pauses(later)).toEqual({ pauses: [], thrown: later })
  })

  it('A retry repeats timeouts and broken connections at any depth of causes, and no defect.', async () => {
    const clock = createVirtualClock()
    const broken = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const tried = async (error: unknown) => {
      let n = 0
      const asked = retry({ clock, random }).execute(() => {
        n++
        return Promise.reject(error)
      })
      asked.catch(() => {})
      await clock.advance('10s')
      return n
    }
    const passing = [
      failure('timeout', {}),
      broken,
      new Error('no answer', { cause: broken }),
      new TypeError('fetch failed'),
    ]
    for (const error of passing) expect(await tried(error), String(error)).toBe(3)
    const lasting = [failure('access.denied', {}), new TypeError('x is not a function'), 'ECONNRESET']
    for (const error of lasting) expect(await tried(error), String(error)).toBe(1)
  })

  it('The policies compose from outside in.', async () => {
    const clock = createVirtualClock()
    const breaker = new CircuitBreaker({ clock, failures: 1 })
    const policy = wrap(fallback({ note: 'fallback_used' }), breaker, timeout({ clock, limit: '1s', what: 'The shop' }))
    let aborted = false
    const hangs = policy.execute<unknown>(
      ({ signal }) =>
        new Promise(() => {
          signal?.addEventListener('abort', () => {
            aborted = true
          })
        }),
    )
    await clock.advance('1s')
    expect(await hangs).toEqual({ note: 'fallback_used' })
    expect([aborted, breaker.state]).toEqual([true, 'open'])
    expect(await wrap().execute(() => 'bare')).toBe('bare')
    const other = fallback((error: unknown) => `instead of ${(error as Error).message}`)
    expect(await other.execute<unknown>(fails)).toBe('instead of no')
    const cancelled = fallback(1).execute(() => Promise.reject(failure('cancelled', { what: 'It' })))
    await expect(cancelled).rejects.toMatchObject({ name: 'CancelledError' })
  })

  it('A cache answers an equal call once, and stores no failure.', async () => {
    const clock = createVirtualClock()
    const cache = new Cache({ clock, max: 2 })
    let n = 0
    const ask = (key: string) => cache.execute(async () => ++n, { key })
    expect(await Promise.all([ask('a'), ask('a')])).toEqual([1, 1])
    expect([await ask('b'), await ask('a'), await ask('c'), await ask('a'), await ask('b')]).toEqual([2, 1, 3, 1, 4])
    await clock.advance('61m')
    expect(await ask('b')).toBe(5)
    await expect(cache.execute(fails, { key: 'd' })).rejects.toThrow('no')
    expect(await ask('d')).toBe(6)
  })
})

describe('a batch processor', () => {
  it('A batch processor sends a full batch at once, a partial one after a second, and gives each item its result.', async () => {
    const clock = createVirtualClock()
    const batches: number[][] = []
    const processor = new BatchProcessor<number, number>({
      process: async (items) => {
        batches.push([...items])
        return items.map((item) => (item === 3 ? new Error('three') : item * 2))
      },
      clock,
    })
    const results = Promise.allSettled(Array.from({ length: 13 }, (_, i) => processor.add(i)))
    expect(batches).toHaveLength(1)
    await clock.advance('1s')
    const outcomes = await results
    expect(batches.map(({ length }) => length)).toEqual([10, 3])
    expect(outcomes[3]).toMatchObject({ status: 'rejected', reason: { message: 'three' } })
    expect(outcomes[12]).toEqual({ status: 'fulfilled', value: 24 })
  })

  it('A batch processor is bounded, drops a cancelled item, and flushes at its close.', async () => {
    const clock = createVirtualClock()
    const seen: number[] = []
    const processor = new BatchProcessor<number, number>({
      process: (items) => {
        seen.push(...items)
        return items
      },
      maxWaiting: 2,
      clock,
    })
    const controller = new AbortController()
    const gone = processor.add(1, { signal: controller.signal })
    const second = processor.add(2)
    await expect(processor.add(3)).rejects.toMatchObject({ code: 'batch.full' })
    controller.abort()
    await expect(gone).rejects.toMatchObject({ name: 'CancelledError' })
    await processor.close()
    expect(await second).toBe(2)
    expect(seen).toEqual([2])
    await expect(processor.add(4)).rejects.toMatchObject({ code: 'batch.closed' })
    for (const none of [undefined, null, 'a', { length: 1 }]) {
      const wrong = new BatchProcessor({ process: () => none as never, size: 1, clock })
      await expect(wrong.add(1)).rejects.toMatchObject({
        code: 'validation.failed',
        message: expect.stringContaining('no list of results'),
      })
    }
    const short = new BatchProcessor({ process: () => [], size: 1, clock })
    await expect(short.add(1)).rejects.toThrow(/0 for 1/)
  })
})

it('A batch processor removes its listeners from signals, and starts its wait with its first item.', async () => {
  const clock = createVirtualClock()
  const seen: number[][] = []
  const processItems = (items: readonly number[]) => {
    seen.push([...items])
    return items
  }
  const processor = new BatchProcessor<number, number>({ process: processItems, wait: '1s', clock })
  const controller = new AbortController()
  const gone = processor.add(1, { signal: controller.signal })
  await clock.advance('900ms')
  controller.abort()
  await expect(gone).rejects.toMatchObject({ name: 'CancelledError' })
  const lasting = new AbortController()
  const next = processor.add(2, { signal: lasting.signal })
  await clock.advance('900ms')
  expect(seen).toEqual([])
  await clock.advance('100ms')
  expect(await next).toBe(2)
  expect(getEventListeners(lasting.signal, 'abort')).toEqual([])
})

it('The resilience classes reject options without effect by name.', () => {
  const clock = createVirtualClock()
  expect(() => new CircuitBreaker({ clock, failures: 0 })).toThrow(/failures of CircuitBreaker/)
  expect(() => new RateLimiter({ clock, limt: 5 } as never)).toThrow(/limt/)
  expect(() => retry({ clock, random, backoff: { baseMs: '1s', maxMs: 30_000 } as never })).toThrow(
    /baseMs of retry.back/,
  )
  expect(() => retry({ clock, random, backoff: { base: 1 } as never })).toThrow(/retry.backoff has no option base/)
  expect(() => new CircuitBreaker({ clock, counts: 5 as never })).toThrow(
    /counts of CircuitBreaker .* must be a function, got 5/,
  )
  for (const cache of [Cache, LastKnownGood])
    expect(() => new cache({ clock, max: 2 ** 32 })).toThrow(/max of .* not a whole number from 1 to 1000000/)
  expect(() => new LastKnownGood({ clock, mayStillSee: true as never })).toThrow(
    /mayStillSee of LastKnownGood .* must be a function, got true/,
  )
  for (const part of ['rateLimit', 'bulkhead', 'retry', 'breaker'])
    for (const value of [5, true, null])
      expect(() => compilePolicy({ [part]: value }, { what: 'the tool x', clock, random })).toThrow(
        `The ${part} of the tool x is not valid: it must be an object, got ${value}`,
      )
})
