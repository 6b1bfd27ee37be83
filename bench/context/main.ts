/**
 * What the context mesh costs in memory, in a file and on PostgreSQL, beside the same rows written and read by hand in
 * the same run. Aims: push and update at least 0.40 of a raw upsert where it is durable, 0.25 with three topics; get at
 * least 0.80 of the raw row up to 20 topics, 0.60 at 200, and in memory half of a bare asynchronous Map with JSON copies;
 * all flat in the number of entries; stats constant.
 *
 * In memory and in a file values that were read are kept, so all are read once before the clock runs; what a get of one
 * that is not kept costs stands on a line of its own. At the end comes Syntha's published code, where python3 has it.
 *
 * node bench/context/main.ts [seconds per line] [entries, entries, …] [memory, file, postgres]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import { type ContextClient, createTroupe } from 'troupe'
import { openRawSqlite, pick, type Raw } from './raw.ts'
import { openRawPostgres } from './raw-postgres.ts'
import { besideSyntha, quoteSyntha } from './syntha.ts'
import { perSecond, processor, wall } from './time-spent.ts'

const [seconds = '1', ...more] = process.argv.slice(2)
const sizes = more.map(Number).filter((size) => size > 0)
const counts = sizes.length > 0 ? sizes : [1_000, 100_000]
const storageKinds = (['memory', 'file', 'postgres'] as const).filter(
  (storageKind) => more.every(Number) || more.includes(storageKind),
)
type StorageKind = (typeof storageKinds)[number]
const server = process.env.TROUPE_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const rounds = 5
const partMs = (Number(seconds) * 1_000) / rounds
const writers = 64
/** Reads come as writes do, or one after the other. */
const load = [
  ['', writers],
  [' alone', 1],
] as const
const value = { text: 'x'.repeat(200) }
const stored = JSON.stringify(value)
const schema = `troupe_bench_context_${process.pid}`
// Not in the temporary folder, which is memory on many machines.
const folder = mkdtempSync(join(resolve('.'), '.bench-context-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** From the resolved push to the watcher's item. @returns ms, the median */
async function watchLag(context: ContextClient): Promise<number> {
  const stop = new AbortController()
  const lags: number[] = []
  const items = context.watch({ pattern: 'lag.*', signal: stop.signal })[Symbol.asyncIterator]()
  for (let i = 0; i < 20; i++) {
    const seen = items.next()
    await new Promise((done) => setTimeout(done, 2))
    const pushed = performance.now()
    await Promise.all([context.push('lag.key', i), seen])
    lags.push(performance.now() - pushed)
  }
  stop.abort()
  return median(lags)
}

/** A bare asynchronous Map with JSON copies: what a cache of one's own would be. Each value has come from somewhere. */
async function ofMap(keys: readonly string[], concurrency: number): Promise<number> {
  const map = new Map(keys.map((key) => [key, JSON.parse(stored) as unknown]))
  const get = async (key: string) => JSON.parse(JSON.stringify(map.get(key))) as unknown
  return perSecond(concurrency, partMs, processor, (n) => get(pick(keys, n)))
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
const rate = (n: number) => Math.round(n).toLocaleString('en').padStart(10)
const measured = new Map<string, number[]>()
const record = (name: string, measurement: number) => measured.set(name, [...(measured.get(name) ?? []), measurement])
const of = (name: string) => measured.get(name) ?? []
/** By place and name, one for each number of entries. */
const medians = new Map<string, number[]>()

/** Beside something of the same round: what else the machine did struck both. */
function line(name: string, beside?: string, aim?: number): void {
  const ratios = of(name).map((measurement, round) => measurement / (of(beside ?? '')[round] ?? 1))
  const ratio = (pick: number) => pick.toFixed(2)
  const against =
    beside === undefined
      ? ''
      : `${rate(median(of(beside)))}/s ${beside}: ${ratio(Math.min(...ratios))} – ${ratio(median(ratios))} – ${ratio(Math.max(...ratios))}`
  console.log(
    `  ${name.padEnd(32)}${rate(median(of(name)))}/s${against}${aim === undefined ? '' : ` (aim ${aim.toFixed(2)})`}`,
  )
}

const topicsOf = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `t${from + i}`)
async function openRaw(storageKind: StorageKind, count: number): Promise<Raw> {
  if (storageKind === 'postgres') return openRawPostgres(server, `${schema}_raw`)
  return openRawSqlite(storageKind === 'memory' ? ':memory:' : join(folder, `raw-${count}.db`))
}

/** As pushes would leave them, but for the feed: over the network of a server a million pushes take many minutes. */
async function fillServer(into: string, user: string, keys: readonly string[], audienceOf?: (i: number) => string[]) {
  const client = new Client({ connectionString: server })
  await client.connect()
  for (let from = 0; from < keys.length; from += 10_000) {
    const some = keys.slice(from, from + 10_000)
    const audiences = some.map((_, i) => JSON.stringify(audienceOf?.(from + i).map((topic) => `#${topic}`) ?? ['*']))
    await client.query(
      `insert into ${into}.context_entries (user_id, key, version, born, change, revision, owner, audience, everyone, writers,
          created_at, updated_at, value, stored, provenance, taint)
        select $1, k.key, 1, 1, 'filled.' || k.key, 1, 'Bench', k.audience, (k.audience = '["*"]')::int, '[]', 0, 0, $4,
          length($4), '{"agent":"Bench"}', '[]' from unnest($2::text[], $3::text[]) as k(key, audience)`,
      [user, some, audiences, stored],
    )
  }
  await client.query(`analyze ${into}.context_entries, ${into}.context_visible`)
  await client.end()
}

/** @param audienceOf undefined: for everyone */
async function fill(context: ContextClient, keys: readonly string[], audienceOf?: (i: number) => string[]) {
  const push = (key: string, i: number) =>
    ({ type: 'push', key, value, ...(audienceOf ? { topics: audienceOf(i) } : {}) }) as const
  for (let from = 0; from < keys.length; from += 500)
    await context.batch(
      keys.slice(from, from + 500).map((key, i) => push(key, from + i)),
      { atomic: true },
    )
}

/** @throws where a line would measure what finds nothing */
async function found(read: ContextClient, keys: readonly string[]): Promise<void> {
  for (const key of keys) if ((await read.get(key)) === undefined) throw new Error(`${read.agent} cannot read ${key}`)
}

async function measure(storageKind: StorageKind, count: number): Promise<void> {
  const storage = { memory: 'memory:', file: `sqlite:${join(folder, `troupe-${count}.db`)}`, postgres: '' }[storageKind]
  const onServer = { url: server, schema: `${schema}_${count}` }
  await using troupe = await createTroupe({ storage: storageKind === 'postgres' ? onServer : storage, log: 'silent' })
  const raw = await openRaw(storageKind, count)
  const ada = troupe.user('ada')
  const { context } = ada.agent('Bench')
  const keys = Array.from({ length: count }, (_, i) => `orders.${i}.status`)
  await raw.fill(keys, stored)
  const filled = (user: string, audienceOf?: (i: number) => string[]) =>
    storageKind === 'postgres'
      ? fillServer(onServer.schema, user, keys, audienceOf)
      : fill(troupe.user(user).agent('Bench').context, keys, audienceOf)
  await filled('ada')
  // Read by way of a topic: each is for one of 200, and two that nobody here has.
  const named = Array.from({ length: 1_000 }, (_, i) => `named.${i}`)
  const topicsFor = (i: number) => [`t${i % 200}`, 'b', 'c']
  await fill(context, named, topicsFor)
  const ofSome = named.filter((_, i) => i % 200 < 20)
  const [some, broad] = [ada.agent('Some').context, ada.agent('Many').context]
  await some.subscribe(topicsOf(0, 20))
  await broad.subscribe(topicsOf(0, 200))
  // Of as many entries this reader sees a hundred.
  const eve = troupe.user('eve')
  await filled('eve', (i) => (i % Math.ceil(count / 100) === 0 ? ['rare'] : ['hidden']))
  const few = eve.agent('Few').context
  await few.subscribe(['rare', ...topicsOf(0, 199)])

  const isCached = storageKind !== 'postgres'
  if (isCached) for (const key of keys) await context.get(key)
  // A change of subscriptions lets go of all that is kept of its user: once in a thousand.
  const bob = troupe.user('bob')
  const uncached = bob.agent('Bench').context
  if (isCached) await fill(uncached, named)
  const getUncached = async (n: number) => {
    if (n % named.length === 0) await bob.context.setTopicPolicy('none', { subscribe: [] })
    await uncached.get(named[n % named.length] as string)
  }

  const [writing, reading] = [storageKind === 'memory' ? processor : wall, isCached ? processor : wall]
  /** With the records of the writes in the audit tree. */
  const write = (act: (n: number) => Promise<unknown>) =>
    perSecond(writers, partMs, writing, act, () => troupe.audit.tree())
  const read = (act: (n: number) => Promise<unknown>, concurrency = 1) => perSecond(concurrency, partMs, reading, act)
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) measured.clear()
    record('raw upserts', await raw.upserts(keys, stored, writers, partMs, writing))
    record('push', await write((n) => context.push(pick(keys, n), value)))
    record('update', await write((n) => context.update(pick(keys, n), (found) => found as typeof value)))
    const toTopics = (n: number) => {
      const key = pick(named, n)
      return context.push(key, value, { topics: topicsFor(Number(key.slice('named.'.length))) })
    }
    record('push to three topics', await write(toTopics))
    for (const [how, concurrency] of load) {
      record(`raw gets${how}`, await raw.gets(keys, concurrency, partMs, reading))
      if (storageKind === 'memory') record(`gets of a Map${how}`, await ofMap(keys, concurrency))
      record(`get${how}`, await read((n) => context.get(pick(keys, n)), concurrency))
      record(`get${how}, reader of 20 topics`, await read((n) => some.get(pick(ofSome, n)), concurrency))
      record(`get${how}, reader of 200 topics`, await read((n) => broad.get(pick(named, n)), concurrency))
    }
    if (isCached) record('get of what is not kept', await read(getUncached))
    record('list of 100', await read(() => context.list({ limit: 100 })))
    record('list of 100, 200 topics', await read(() => broad.list({ limit: 100 })))
    record('list of the only 100, 200 topics', await read(() => few.list({ limit: 100 })))
    record('stats', await read(() => ada.context.stats()))
    record('watch lag', await watchLag(context))
  }
  await found(some, ofSome)
  await found(broad, named)
  console.log(`${storageKind}, ${count.toLocaleString('en')} entries`)
  const durable = storageKind !== 'memory'
  line('push', 'raw upserts', durable ? 0.4 : undefined)
  line('update', 'raw upserts', durable ? 0.4 : undefined)
  line('push to three topics', 'raw upserts', durable ? 0.25 : undefined)
  for (const [how] of load) {
    line(`get${how}`, `raw gets${how}`, 0.8)
    line(`get${how}, reader of 20 topics`, `raw gets${how}`, 0.8)
    line(`get${how}, reader of 200 topics`, `raw gets${how}`, 0.6)
  }
  if (isCached) line('get of what is not kept', 'raw gets')
  if (storageKind === 'memory') for (const [how] of load) line(`get${how}`, `gets of a Map${how}`, 0.5)
  for (const name of ['list of 100', 'list of 100, 200 topics', 'list of the only 100, 200 topics', 'stats']) line(name)
  console.log(`  ${'watch lag, median'.padEnd(32)}${median(of('watch lag')).toFixed(2).padStart(10)} ms`)
  for (const name of ['push', 'update', 'push to three topics', 'get', 'list of 100', 'stats']) {
    const flat = `${storageKind} ${name}`
    medians.set(flat, [...(medians.get(flat) ?? []), median(of(name))])
  }
  await raw.close()
}

/** Of each figure what is left of it at the greatest number of entries, of that at the least. */
function flatness(): void {
  if (counts.length < 2) return
  console.log(
    `at ${counts.at(-1)?.toLocaleString('en')} entries, of the figure at ${counts[0]?.toLocaleString('en')} (aim 1: flat)`,
  )
  for (const [name, values] of medians)
    console.log(`  ${name.padEnd(32)}${((values.at(-1) as number) / (values[0] as number)).toFixed(2).padStart(10)}`)
}

/** At as many entries as the quoted figures, or what was measured nearest below. */
function syntha(): string {
  const entries = Math.max(...counts.filter((count) => count <= 100_000))
  const ours = (name: string) => medians.get(`memory ${name}`)?.[counts.indexOf(entries)]
  const [push, update, list, stats] = ['push', 'update', 'list of 100', 'stats'].map(ours)
  if (push && update && list && stats) return besideSyntha(entries, Number(seconds), { push, update, list, stats })
  return quoteSyntha('nothing of ours was in memory with 100,000 entries or fewer')
}

async function dropped(names: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: server })
  await client.connect()
  for (const name of names) await client.query(`drop schema if exists ${name} cascade`)
  await client.end()
}
const missing = await dropped([]).then(
  () => undefined,
  (error: unknown) => (error instanceof Error ? error.message || error.name : String(error)),
)

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${seconds} s a line`)
console.log('Ratios are the least, the median and the greatest of the rounds.')
console.log('In memory, and for reads of a file, a second is one of the processor; elsewhere one of the wall.')
for (const storageKind of storageKinds)
  if (storageKind === 'postgres' && missing) console.log(`postgres skipped: ${missing}`)
  else for (const count of counts) await measure(storageKind, count)
flatness()
if (!missing) await dropped(counts.map((count) => `${schema}_${count}`))
console.log(syntha())
