/**
 * What the context mesh costs at 1,000 and 100,000 entries, in memory and in a file, beside the same rows written and
 * read by hand in the same run. Aims: push and update at least 0.40 of a raw upsert, 0.25 with three topics; get at
 * least 0.80 of the raw row up to 20 topics; all flat in the number of entries; stats constant.
 *
 * node bench/context/main.ts [seconds per line] [entries, entries, …]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { type ContextHands, createTroupe } from 'troupe'
import { openRaw, pick } from './raw.ts'

const [seconds = '1.5', ...sizes] = process.argv.slice(2)
const counts = sizes.length > 0 ? sizes.map(Number) : [1_000, 100_000]
const rounds = 3
const partMs = (Number(seconds) * 1_000) / rounds
const writers = 64
const value = { text: 'x'.repeat(200) }
const stored = JSON.stringify(value)
// Not in the temporary folder, which is memory on many machines.
const folder = mkdtempSync(join(resolve('.'), '.bench-context-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** So many at once, each after the other. @returns operations per second */
async function perSecond(at: number, act: (n: number) => Promise<unknown>): Promise<number> {
  const started = performance.now()
  let next = 0
  const worker = async () => {
    while (performance.now() - started < partMs) await act(next++)
  }
  await Promise.all(Array.from({ length: at }, worker))
  return (next / (performance.now() - started)) * 1_000
}

/** From the resolved push to the watcher's item. @returns ms, the median */
async function watchLag(context: ContextHands): Promise<number> {
  const stop = new AbortController()
  const lags: number[] = []
  let pushed = 0
  const items = context.watch({ pattern: 'lag.*', signal: stop.signal })[Symbol.asyncIterator]()
  for (let i = 0; i < 50; i++) {
    const seen = items.next()
    await new Promise((done) => setTimeout(done, 2))
    pushed = performance.now()
    await Promise.all([context.push('lag.key', i), seen])
    lags.push(performance.now() - pushed)
  }
  stop.abort()
  return median(lags)
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
const rate = (n: number) => Math.round(n).toLocaleString('en').padStart(10)
const line = (name: string, ours: number, beside?: number, aim?: number) =>
  console.log(
    `  ${name.padEnd(34)}${rate(ours)}/s${beside === undefined ? '' : `${rate(beside)}/s raw  ${(ours / beside).toFixed(2)}`}${aim === undefined ? '' : ` (aim ${aim.toFixed(2)})`}`,
  )

async function measure(place: 'memory' | 'file', count: number): Promise<void> {
  const path = (name: string) => (place === 'memory' ? ':memory:' : join(folder, `${name}-${count}.db`))
  const raw = openRaw(path('raw'))
  await using troupe = await createTroupe({
    storage: place === 'memory' ? 'memory:' : `sqlite:${path('troupe')}`,
    log: 'silent',
  })
  const { context } = troupe.user('ada').agent('Bench')
  const keys = Array.from({ length: count }, (_, i) => `orders.${i}.status`)
  raw.fill(keys, stored)
  for (let from = 0; from < count; from += 500)
    await context.batch(
      keys.slice(from, from + 500).map((key) => ({ type: 'push' as const, key, value })),
      { atomic: true },
    )
  const measured = new Map<string, number[]>()
  const keep = (name: string, figure: number) => measured.set(name, [...(measured.get(name) ?? []), figure])
  const topics = Array.from({ length: 20 }, (_, i) => `topic-${i}`)
  const reader = troupe.user('ada').agent('Reader').context
  await reader.subscribe(topics)
  // In turns, so that what else the machine does strikes all alike; the median of the rounds counts.
  for (let round = 0; round < rounds; round++) {
    keep('raw upsert', raw.upserts(keys, stored, writers, partMs))
    keep('push', await perSecond(writers, (n) => context.push(pick(keys, n), value)))
    keep('update', await perSecond(writers, (n) => context.update(pick(keys, n), (found) => found as typeof value)))
    const named = { topics: ['a', 'b', 'c'] }
    keep('push to three topics', await perSecond(writers, (n) => context.push(`named.${n % 1_000}`, value, named)))
    keep('raw get', raw.gets(keys, partMs))
    keep('get', await perSecond(1, (n) => context.get(pick(keys, n))))
    keep('get, 64 at once', await perSecond(writers, (n) => context.get(pick(keys, n))))
    keep('get by a reader of 20 topics', await perSecond(1, (n) => reader.get(pick(keys, n))))
    keep('list of 100', await perSecond(1, () => context.list({ limit: 100 })))
    keep('stats', await perSecond(1, () => troupe.user('ada').context.stats()))
    keep('watch lag', await watchLag(context))
  }
  const of = (name: string) => median(measured.get(name) ?? [])
  console.log(`${place}, ${count.toLocaleString('en')} entries`)
  line('push, 64 writers', of('push'), of('raw upsert'), 0.4)
  line('update, 64 writers', of('update'), of('raw upsert'), 0.4)
  line('push to three topics', of('push to three topics'), of('raw upsert'), 0.25)
  line('get', of('get'), of('raw get'), 0.8)
  line('get, 64 at once', of('get, 64 at once'), of('raw get'))
  line('get by a reader of 20 topics', of('get by a reader of 20 topics'), of('raw get'), 0.8)
  line('list of 100', of('list of 100'))
  line('stats', of('stats'))
  console.log(`  ${'watch lag, median'.padEnd(34)}${of('watch lag').toFixed(2).padStart(10)} ms`)
  raw.close()
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${seconds} s a line`)
for (const place of ['memory', 'file'] as const) for (const count of counts) await measure(place, count)
