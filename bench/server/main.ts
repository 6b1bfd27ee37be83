/**
 * What the server costs over a bare Fastify route that answers the same bytes in the same process and round: a get, a push
 * and the start of a run in memory, open and with a key and limits; what the key, the limits and the audit log alone add to
 * the same route; then one change told to many listeners. Who asks is another process. Aim: at most 1 ms more at the 99th
 * percentile, at half of the load that it takes.
 *
 * node bench/server/main.ts [seconds per line] [listeners]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { createTroupe, defineAgent, type Troupe } from 'troupe'
import { serve } from 'troupe/server'
import type { Asked, Job, Reply } from './client.ts'

// As `troupe serve` sets it for its process: docs/performance.md says why.
setFlagsFromString('--no-allocation-site-pretenuring')

const [seconds = '2', listeners = '1000'] = process.argv.slice(2)
const rounds = 5
const partMs = (Number(seconds) * 1_000) / rounds
const echo = defineAgent({ name: 'Echo', run: async (input) => input as string })

const client = fork(fileURLToPath(new URL('./client.ts', import.meta.url)), [], { execArgv: [] })

async function asking(job: Job): Promise<Reply> {
  client.send(job)
  const [reply] = (await once(client, 'message')) as [Reply | { readonly error: string }]
  if ('error' in reply) throw new Error(reply.error)
  return reply
}

const at = (sorted: readonly number[], part: number) => sorted[Math.floor(sorted.length * part)] ?? 0

interface Load {
  readonly perSecond: number
  /** µs of the server's processor for one. */
  readonly cpu: number
}

/** As many as there is room for. */
async function load(asked: readonly Asked[]): Promise<Load> {
  const began = process.cpuUsage()
  const { perSecond, times } = await asking({ asked, forMs: partMs })
  const { user, system } = process.cpuUsage(began)
  return { perSecond, cpu: (user + system) / times.length }
}

const paced = async (asked: readonly Asked[], perSecond: number) =>
  (await asking({ asked, forMs: partMs, perSecond })).times

const median = (values: readonly number[]) =>
  at(
    values.toSorted((a, b) => a - b),
    0.5,
  )

interface Round {
  readonly raw: Load
  readonly own: Load
  /** Of ours, less that of the bare route. */
  readonly p50: number
  readonly rawP99: number
  readonly p99: number
}

/** Rounds in turns, for what else the machine does strikes both; of what is added, the median of the rounds. */
async function line(
  name: string,
  bare: readonly Asked[],
  ours: readonly Asked[],
  than = 'a bare route',
): Promise<void> {
  await load(ours)
  const found: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const [raw, own] = [await load(bare), await load(ours)]
    const [rawTimes, ownTimes] = [await paced(bare, own.perSecond / 2), await paced(ours, own.perSecond / 2)]
    const [rawP99, p99] = [at(rawTimes, 0.99), at(ownTimes, 0.99)]
    found.push({ raw, own, rawP99, p99, p50: at(ownTimes, 0.5) - at(rawTimes, 0.5) })
  }
  const ofAll = (of: (one: Round) => number) => median(found.map(of))
  const measurements = [
    `${Math.round(ofAll(({ own }) => own.perSecond))}/s, ${ofAll(({ own, raw }) => own.perSecond / raw.perSecond).toFixed(2)} of ${than}`,
    `${Math.round(ofAll(({ own, raw }) => own.cpu - raw.cpu))} µs of processor more`,
    `at half load p50 ${ofAll(({ p50 }) => p50).toFixed(2)} ms more`,
    `p99 ${ofAll(({ p99 }) => p99).toFixed(2)} ms beside ${ofAll(({ rawP99 }) => rawP99).toFixed(2)}: ${ofAll(({ p99, rawP99 }) => p99 - rawP99).toFixed(2)} more (at most 1.00)`,
  ]
  console.log(`${name}: ${measurements.join('; ')}`)
}

interface Injected {
  inject(asked: {
    readonly url: string
    readonly headers: Record<string, string>
  }): Promise<{ readonly statusCode: number }>
}

/** µs of one request without a socket, one after the other: the least of parts short enough to fit between other programs. */
async function alone(app: Injected, url: string, headers: Record<string, string> = {}): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let part = 0; part < 100 * Number(seconds); part++) {
    const began = performance.now()
    for (let i = 0; i < 8; i++)
      if ((await app.inject({ url, headers })).statusCode !== 200) throw new Error(`not answered: ${url}`)
    least = Math.min(least, ((performance.now() - began) * 1_000) / 8)
  }
  return least
}

const value = { text: 'x'.repeat(200) }
const path = '/v1/context/values/key'
const body = JSON.stringify({ value })
const pushed = (url: string, headers = {}) =>
  Array.from({ length: 100 }, (_, n) => ({ url: `${url}/v1/context/entries/k${n}`, method: 'PUT', body, headers }))

async function main(troupe: Troupe): Promise<void> {
  const open = await serve(troupe, { port: 0 })
  const closed = await serve(troupe, { port: 0, authentication: 'required', rateLimit: { max: 1_000_000_000 } })
  open.app.server.keepAliveTimeout = closed.app.server.keepAliveTimeout = 60_000
  const { key } = await troupe.apiKeys.create({ name: 'bench', users: ['default'] })
  const headers = { authorization: `Bearer ${key}` }
  await troupe.user('default').context.push('key', value)
  const { default: fastify } = await import('fastify')
  const raw = fastify()
  raw.all('/', async () => ({ key: 'key', value }))
  const bareUrl = await raw.listen({ port: 0, host: '127.0.0.1' })
  const task = JSON.stringify({ task: 1, agent: 'Echo' })
  const get = [{ url: bareUrl }]
  const put = [{ url: bareUrl, method: 'PUT', body }]
  const started = (url: string) => [{ url: `${url}/v1/runs`, method: 'POST', body: task }]
  const times = [await alone(raw, '/'), await alone(open.app, path), await alone(closed.app, path, headers)]
  console.log(
    `a get without a socket: bare, open, with a key and limits: ${times.map((time) => time.toFixed(0)).join(', ')} µs`,
  )
  await line('get, open', get, [{ url: `${open.url}${path}` }])
  await line('get, with a key and limits', get, [{ url: `${closed.url}${path}`, headers }])
  await line('push, open', put, pushed(open.url))
  await line('push, with a key and limits', put, pushed(closed.url, headers))
  await line('start of a run', put, started(open.url))
  await measureFanOut(troupe, open.url, Number(listeners))
  await raw.close()
  await closed.close()
  await open.close()
}

/** What stands around the work alone: one troupe beside another that asks for no key, has no limits and keeps no audit log. */
async function added(): Promise<void> {
  await using guarded = await createTroupe({ storage: 'memory:', log: 'silent' })
  await using bare = await createTroupe({ storage: 'memory:', log: 'silent', audit: { writes: false } })
  const closed = await serve(guarded, { port: 0, authentication: 'required', rateLimit: { max: 1_000_000_000 } })
  const open = await serve(bare, { port: 0 })
  closed.app.server.keepAliveTimeout = open.app.server.keepAliveTimeout = 60_000
  const { key } = await guarded.apiKeys.create({ name: 'bench', users: ['default'] })
  const headers = { authorization: `Bearer ${key}` }
  for (const troupe of [guarded, bare]) await troupe.user('default').context.push('key', value)
  const got = (url: string, sent = {}) => [{ url: `${url}${path}`, headers: sent }]
  await line('get, a key and limits added', got(open.url), got(closed.url, headers), 'without')
  await line('push, a key, limits and audit added', pushed(open.url), pushed(closed.url, headers), 'without')
  await open.close()
  await closed.close()
}

/** One change to many listeners. */
async function measureFanOut(troupe: Troupe, url: string, count: number): Promise<void> {
  const pooled = new Agent({ maxSockets: count })
  let received = 0
  let all = () => {}
  const streams = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<{ destroy(): void }>((resolve, reject) => {
          const sent = request(`${url}/v1/context/watch?pattern=told`, { agent: pooled }, (response) => {
            response.on('data', (chunk: Buffer) => {
              const text = chunk.toString()
              if (text.includes('event: open')) resolve(sent)
              if (text.includes('event: put') && ++received === count) all()
            })
            response.on('error', () => {})
          })
          sent.on('error', reject)
          sent.end()
        }),
    ),
  )
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    received = 0
    const everyone = new Promise<void>((resolve) => {
      all = resolve
    })
    const began = performance.now()
    await troupe.user('default').context.push('told', i)
    await everyone
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  console.log(
    `a change to ${count} listeners: the last has it after ${at(times, 0.5).toFixed(1)} ms (median), ${times.at(-1)?.toFixed(1)} ms (slowest of 20)`,
  )
  for (const stream of streams) stream.destroy()
}

await added()
await using troupe = await createTroupe({ storage: 'memory:', agents: [echo], log: 'silent' })
await main(troupe)
client.disconnect()
