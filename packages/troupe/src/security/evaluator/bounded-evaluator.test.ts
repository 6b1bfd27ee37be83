import { Worker } from 'node:worker_threads'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Json } from '../../core/index.ts'
import { createVirtualClock, systemClock } from '../../core/index.ts'
import { BoundedEvaluator, type EvaluatorLimits } from './bounded-evaluator.ts'

const slow = { type: 'string', pattern: '^(a+)+$' }
const neverMatching = `${'a'.repeat(60)}!`
/** Each definition refers to the next one twice: 2^40 ways. */
const definitions = Array.from({ length: 40 }, (_, i): [string, Json] => {
  const next = { $ref: `#/$defs/d${i + 1}` }
  return [`d${i}`, { anyOf: [next, next] }]
})
const doubling: Json = {
  $ref: '#/$defs/d0',
  $defs: { ...Object.fromEntries(definitions), d40: { anyOf: [{ type: 'number' }, { type: 'boolean' }] } },
}
const fourMiB = 4 * 1_048_576
const fieldsOf = (count: number): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, { type: 'string' }]))
function nested(levels: number): Json {
  let value: Json = 1
  for (let i = 0; i < levels; i++) value = { not: value }
  return value
}
/** The evaluator remembers an object that it has read. */
const copyOf = (schema: Json): Json => (typeof schema === 'object' && schema !== null ? { $defs: schema } : schema)
/** The processor time of the quickest of some rounds, each of which is prepared before. */
async function leastMs(rounds: number, prepare: () => () => unknown): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < rounds; i++) {
    const work = prepare()
    const before = process.threadCpuUsage()
    await work()
    const { user, system } = process.threadCpuUsage(before)
    all.push((user + system) / 1_000)
  }
  return Math.min(...all)
}
const rejected = (problem: string) => ({ code: 'schema.rejected', message: expect.stringContaining(problem) })

describe('The bounded evaluator', () => {
  const open: BoundedEvaluator[] = []
  const begin = (limits: Partial<EvaluatorLimits> = {}) => {
    const clock = createVirtualClock()
    const evaluator = new BoundedEvaluator({ clock }, limits)
    open.push(evaluator)
    return { clock, evaluator }
  }
  afterEach(async () => {
    vi.restoreAllMocks()
    for (const one of open.splice(0)) await one.close()
  })

  it('The bounded evaluator reports why a value does not fit a schema, and which schema cannot be compiled.', async () => {
    const { evaluator } = begin()
    expect(await evaluator.check('ada', { type: 'number' }, 1)).toBe(undefined)
    expect(await evaluator.check('ada', { type: 'number' }, 'one')).toContain('number')
    expect(await evaluator.check('ada', { type: 'number' })).toBe(undefined)
    for (const schema of [{ type: 'shout' }, { type: 'string', pattern: '(' }, { $ref: 'https://elsewhere.example/x' }])
      await expect(evaluator.check('ada', schema)).rejects.toMatchObject({ code: 'schema.rejected' })
  })

  it('The bounded evaluator leaves the main thread free while a pattern backtracks, and ends the pattern at the deadline.', async () => {
    const { evaluator } = begin({ deadlineMs: 300 })
    let turns = 0
    let isOver = false
    const check = evaluator.check('eve', slow, neverMatching).finally(() => {
      isOver = true
    })
    const turning = (async () => {
      for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve))
    })()
    await expect(check).rejects.toMatchObject(rejected('longer than 300 ms'))
    await turning
    expect(turns).toBeGreaterThan(20)
    expect(await evaluator.check('ada', slow, 'aaa')).toBe(undefined)
  })

  it('The bounded evaluator ends a schema whose references double at each level.', async () => {
    const { evaluator } = begin({ deadlineMs: 300 })
    await expect(evaluator.check('eve', doubling, 'text')).rejects.toMatchObject(rejected('longer than 300 ms'))
  })

  it('The bounded evaluator ends a check that needs more memory than the limit, and serves the next one.', async () => {
    const { evaluator } = begin({ memoryMb: 32, deadlineMs: 60_000, maxSchemaLength: 2 ** 24 })
    const properties = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`p${i}`, { type: 'string' }]))
    await expect(evaluator.check('eve', { type: 'object', properties })).rejects.toMatchObject(rejected('32 MB'))
    expect(await evaluator.check('ada', { type: 'number' }, 1)).toBe(undefined)
  })

  it('The bounded evaluator rejects a source that used its time until the minute is over, and serves other sources.', async () => {
    const { evaluator, clock } = begin({ budgetMs: 1_500 })
    for (let i = 0; i < 2; i++)
      await expect(evaluator.check('eve', slow, neverMatching)).rejects.toMatchObject(rejected('longer than'))
    await expect(evaluator.check('eve', { type: 'number' }, 1)).rejects.toMatchObject(rejected('within a minute'))
    expect(await evaluator.check('ada', { type: 'number' }, 1)).toBe(undefined)
    await clock.advance('60s')
    expect(await evaluator.check('eve', { type: 'number' }, 1)).toBe(undefined)
  })

  it('The bounded evaluator charges work on the main thread to its source, and rejects more than the budget.', async () => {
    const evaluator = new BoundedEvaluator({ clock: systemClock }, { budgetMs: 20 })
    open.push(evaluator)
    const work = evaluator.chargedWork('eve')
    const busy = () => {
      for (const from = performance.now(); performance.now() - from < 2; );
    }
    let parts = 0
    const working = (async () => {
      for (; parts < 100; parts++) await work(busy)
    })()
    await expect(working).rejects.toMatchObject(rejected('within a minute'))
    expect(parts).toBeGreaterThan(2)
    expect(parts).toBeLessThanOrEqual(10)
    await expect(evaluator.check('eve', {})).rejects.toMatchObject(rejected('within a minute'))
    expect(await evaluator.chargedWork('ada')(() => 1)).toBe(1)
  })

  it('The bounded evaluator limits the waiting requests and the length of a schema.', async () => {
    const { evaluator } = begin({ maxWaiting: 2, maxSchemaLength: 100 })
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => evaluator.check('eve', { type: 'number' }, 1)))
    const problems = all.flatMap((one) => (one.status === 'rejected' ? [one.reason.message] : []))
    expect(problems).toHaveLength(3)
    expect(problems[0]).toContain('2 checks wait already')
    await expect(evaluator.check('eve', { description: 'x'.repeat(100) })).rejects.toMatchObject(
      rejected('longer than'),
    )
  })

  it('The bounded evaluator serves a source before the waiting requests of another one.', async () => {
    const { evaluator } = begin({ maxWaitingOfSource: 20 })
    const done: string[] = []
    const ask = (source: string) =>
      evaluator.check(source, { type: 'number' }, 1).then(
        () => done.push(source),
        ({ message }) => done.push(message),
      )
    const all = [...Array.from({ length: 30 }, () => ask('eve')), ask('ada')]
    await Promise.all(all)
    const served = done.filter((one) => one === 'eve' || one === 'ada')
    // One request of eve is in progress, and one more may come first.
    expect(served.indexOf('ada')).toBeLessThanOrEqual(2)
    expect(served).toHaveLength(22)
    expect(done.filter((one) => one.includes('20 checks of eve wait already'))).toHaveLength(9)
  })

  /** On a slower machine the limit grows: most of the longest rejection lists so many fields. */
  let listedMs = 0
  beforeAll(async () => {
    listedMs = await leastMs(3, () => {
      const fields = fieldsOf(250_000)
      return () => Object.keys(fields as object).length
    })
  })

  it.each<[string, Json, Json?]>([
    ['a long text', { description: 'x'.repeat(fourMiB) }],
    ['many fields', fieldsOf(250_000)],
    ['many items', { enum: Array.from({ length: fourMiB / 2 }, () => 1) }],
    ['many escapes', { description: '\u0000'.repeat(fourMiB / 6) }],
    ['many levels', nested(200_000)],
    ['a long value', { type: 'string' }, 'x'.repeat(4 * fourMiB)],
    ['a value of many items', { type: 'array' }, Array.from({ length: 2 * fourMiB }, () => 1)],
    ['a value of many levels', true, nested(200_000)],
  ])('The bounded evaluator rejects %s without reading all of it.', async (_, schema, value) => {
    const { evaluator } = begin()
    await evaluator.check('eve', {})
    const rejectedMs = await leastMs(5, () => {
      const copy = copyOf(schema)
      return () => expect(evaluator.check('eve', copy, value)).rejects.toMatchObject(rejected('is longer than'))
    })
    expect(rejectedMs).toBeLessThan(Math.max(80, 3 * listedMs))
  })

  it('The bounded evaluator finds the times of a cron text of a source whose budget is used up, behind its checks.', async () => {
    const { evaluator } = begin({ deadlineMs: 300, budgetMs: 300 })
    const query = { timing: { cron: '0 8 * * *', timeZone: 'UTC' }, now: Date.parse('2026-01-01T00:00:00Z') }
    const order: string[] = []
    const check = evaluator.check('eve', slow, neverMatching).catch(() => order.push('check'))
    const times = evaluator.times('eve', query).finally(() => order.push('times'))
    expect(await evaluator.times(undefined, query)).toEqual(await times)
    await check
    expect(order).toEqual(['check', 'times'])
    await expect(evaluator.check('eve', { type: 'number' }, 1)).rejects.toMatchObject(rejected('within a minute'))
    const first = { ...query, first: query.now - 86_400_000 + 1, misfire: 'once' } as const
    const eight = (day: number) => Date.parse(`2026-01-0${day}T08:00:00Z`)
    expect(await evaluator.times('eve', { ...first, now: eight(1) })).toEqual({
      fire: [eight(1) - 86_400_000, eight(1)],
      coming: [2, 3, 4, 5, 6].map(eight),
    })
    await expect(evaluator.times('eve', { ...query, timing: { cron: '0 25 * * *', timeZone: 'UTC' } })).rejects.toThrow(
      'CronPattern: Invalid value for hour: 25',
    )
  })

  it('The bounded evaluator rejects cron texts beyond its limits, and when it is closed.', async () => {
    const { evaluator } = begin({ deadlineMs: 0, maxWaitingOfSource: 1 })
    const query = { timing: { cron: '0 8 * * *', timeZone: 'UTC' }, now: 0 }
    const invalid = (problem: string) => ({ code: 'schedule.invalid', message: expect.stringContaining(problem) })
    const all = await Promise.allSettled([1, 2, 3].map(() => evaluator.times('eve', query)))
    const reasons = all.map((one) => one.status === 'rejected' && one.reason)
    expect(reasons).toEqual(
      ['longer than 0 ms', 'longer than 0 ms', 'wait already'].map((problem) =>
        expect.objectContaining(invalid(problem)),
      ),
    )
    await evaluator.close()
    await expect(evaluator.times('eve', query)).rejects.toMatchObject(invalid('closed'))
  })

  it('The bounded evaluator matches the patterns of a source together, whatever its budget, and each with its own keys.', async () => {
    const { evaluator } = begin({ budgetMs: 0, maxWaitingOfSource: 1, maxWaiting: 1 })
    const requests = Array.from({ length: 300 }, (_, i) => ({
      pattern: i % 2 ? `orders.*.${i}` : `*${i}?`,
      keys: [`orders.x.${i}`, `orders.${i}y`, 'else'],
    }))
    const matched = await Promise.all(requests.map(({ pattern, keys }) => evaluator.matching('eve', pattern, keys)))
    expect(matched).toEqual(requests.map(({ keys: [even, odd] }, i) => [i % 2 ? even : odd]))
    expect(await evaluator.matching('eve', '*?', [])).toEqual([])
  })

  it('The bounded evaluator matches the keys of a source before the waiting patterns of another one.', async () => {
    const { evaluator } = begin()
    const order: string[] = []
    const keys = Array.from({ length: 500 }, (_, i) => `key${i}`)
    const match = (source: string) => evaluator.matching(source, '*?', keys).then(() => order.push(source))
    await Promise.all([...Array.from({ length: 20 }, () => match('eve')), match('ada')])
    // A turn has two requests of eve. One turn is in progress, and one more may come first.
    expect(order.indexOf('ada')).toBeLessThanOrEqual(4)
    expect(order).toHaveLength(21)
  })

  it('The bounded evaluator rejects each pattern whose thread ended, and matches the next one in another thread.', async () => {
    const { evaluator } = begin()
    const all = ['*a?', '*b?', '*c?'].map((pattern) => evaluator.matching('eve', pattern, ['abc']))
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker) {
      void this.terminate()
    })
    const reason = expect.objectContaining({
      code: 'capacity.exceeded',
      retryable: true,
      message: expect.stringContaining('ended the thread'),
    })
    expect(await Promise.allSettled(all)).toEqual(all.map(() => ({ status: 'rejected', reason })))
    expect(await evaluator.matching('eve', '*b?', ['abc', 'cab'])).toEqual(['abc'])
    await evaluator.close()
    await expect(evaluator.matching('eve', '*b?', ['abc'])).rejects.toMatchObject({ code: 'troupe.closed' })
  })

  it('The bounded evaluator rejects waiting checks when it is closed.', async () => {
    const { evaluator } = begin()
    const waiting = [evaluator.check('eve', slow, neverMatching), evaluator.check('eve', slow, neverMatching)]
    const results = Promise.allSettled(waiting)
    await evaluator.close()
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(evaluator.check('eve', slow, 'a')).rejects.toMatchObject(rejected('closed'))
  })
})
