/**
 * One process of a soak: producers that send in turns, workers that fail, dawdle and are restarted, until every message
 * is counted. It may be killed at any moment; the next life goes on.
 *
 * node --expose-gc soak-child.ts DATABASE {"messages":1000,"workers":10,"producers":2}
 */
import { writeSync } from 'node:fs'
import { createTroupe, defineMessage, type HandlerContext, type Messages, Worker } from 'troupe'
import { hash, type Plan, type Tally } from './soak-plan.ts'

const [database = '', planText = '{}'] = process.argv.slice(2)
const plan = JSON.parse(planText) as Plan
const print = (what: object) => writeSync(1, `${JSON.stringify(what)}\n`)
const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

const Produce = defineMessage<{ from: number; to: number }>('soak.produce')
const Job = defineMessage<number>('soak.job')
/** Messages that one turn of a producer sends. */
const perTurn = 100

/** Counted since this life began: what stands in the database is the truth. */
let [handled, failed, effects, backlog] = [0, 0, 0, 0]

class Producer extends Worker {
  constructor(name: string) {
    super(name)
    this.on(Produce, this.produce)
  }
  /** The messages and the order for the next ones are of one turn: a kill neither loses nor repeats any. */
  async produce({ payload: { from, to } }: { readonly payload: { from: number; to: number } }, ctx: HandlerContext) {
    while (backlog > plan.workers * 50) await pause(50)
    const end = Math.min(to, from + perTurn)
    backlog += end - from
    for (let n = from; n < end; n++) {
      const priority = (['urgent', 'high', 'normal', 'low'] as const)[hash(n) % 4] ?? 'normal'
      await ctx.messages.send(Job, n, { to: `W${n % plan.workers}`, priority })
    }
    if (end < to) await ctx.messages.send(Produce, { from: end, to }, { to: this.name })
  }
}

class Counter extends Worker {
  constructor(name: string) {
    super(name, { retry: { backoff: '5ms', maxBackoff: '50ms' } })
    this.on(Job, this.count)
  }
  async count({ payload: n }: { readonly payload: number }, ctx: HandlerContext) {
    if (ctx.attempt <= 3 && hash(n * 7 + ctx.attempt) % 100 < 3) {
      failed++
      throw new Error('injected')
    }
    // One worker in twenty is slow, and every hundredth message.
    if (hash(n % plan.workers) % 20 === 0 || n % 100 === 0) await pause(10)
    await ctx.effect('count', { class: 'idempotent', key: `${n}` }, async () => {
      effects++
      return null
    })
    await ctx.context.update(`tally.${this.name}`, (found) => {
      const { count, sum, squares } = (found ?? { count: 0, sum: 0, squares: 0 }) as unknown as Tally
      return { count: count + 1, sum: sum + n, squares: (squares + (n % 9_973) ** 2) % 1_000_000_007 }
    })
    handled++
    backlog = Math.max(0, backlog - 1)
  }
}

const troupe = await createTroupe({
  storage: `sqlite:${database}`,
  log: 'silent',
  context: { limits: { history: 1 } },
  messaging: { capacity: { count: 1_000_000, bytes: 1024 * 1024 * 1024 }, lease: '10s', maxAttempts: 20 },
})
const soak = troupe.user('soak')

async function produce(): Promise<void> {
  const share = Math.ceil(plan.messages / plan.producers)
  const host = soak.agent('Host')
  for (let i = 0; i < plan.producers; i++) {
    const range = { from: i * share, to: Math.min(plan.messages, (i + 1) * share) }
    await host.messages.send(Produce, range, { to: `P${i}`, dedupeId: `begin ${i}` })
    await soak.start(new Producer(`P${i}`))
  }
}

const running = new Map<number, Messages.RunningWorker>()
const begin = async (i: number) => void running.set(i, await soak.start(new Counter(`W${i}`)))

/** One worker after another is stopped and begun again while the others work. */
async function restartForEver(stop: AbortSignal): Promise<void> {
  for (let i = 0; !stop.aborted; i = (i + 7) % plan.workers) {
    await pause(200)
    await running.get(i)?.stop()
    await begin(i)
  }
}

async function counted(): Promise<number> {
  let count = 0
  for await (const { value } of await soak.context.list({ prefix: 'tally.', limit: 1_000 }))
    count += (value as unknown as Tally).count
  return count
}

async function countDeadLetters(): Promise<number> {
  let count = 0
  for (let i = 0; i < plan.workers; i++) count += (await soak.agent(`W${i}`).mailbox.counts()).dead
  return count
}

const began = performance.now()
for (let i = 0; i < plan.workers; i++) await begin(i)
await produce()
const ended = new AbortController()
const restarting = restartForEver(ended.signal)
let dead = 0
for (let count = -1; count + dead < plan.messages; ) {
  await pause(plan.everyMs)
  count = await counted()
  dead = await countDeadLetters()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  print({ count, handled, failed, effects, heap: heapUsed, rss, ms: Math.round(performance.now() - began) })
}
ended.abort()
await restarting
const tallies: Record<string, unknown> = {}
for await (const { key, value } of await soak.context.list({ prefix: 'tally.', limit: 1_000 })) tallies[key] = value
await troupe.close()
print({ over: true, dead, tallies })
