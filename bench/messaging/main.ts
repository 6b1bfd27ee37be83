/**
 * Send, receive and acknowledge per second and how long each message takes, with 1, 8 and 64 pairs at work and with
 * mailboxes that are nearly empty and deep, beside the same rows moved by hand in the same run (raw-same-rows.ts, raw-postgres.ts;
 * on SQLite also beside the fewest rows that do, raw.ts). Aims: with 64 at least 0.40 of the same rows, and the same cost at every depth.
 *
 * node bench/messaging/main.ts [seconds per line] [depth, depth, …]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import { createTroupe, defineMessage, type Troupe } from 'troupe'
import { deepen } from './fill-mailbox.ts'
import { openBareRows, type Raw } from './raw.ts'
import { openRawPostgres } from './raw-postgres.ts'
import { openSameRows, storedShapeOf } from './raw-same-rows.ts'

const [seconds = '1', ...positional] = process.argv.slice(2)
const depths = positional.length > 0 ? positional.map(Number) : [10, 20_000]
const server = process.env.TROUPE_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const schema = `troupe_bench_messaging_${process.pid}`
/** On a server the rest of a deeper mailbox is copied in. */
const sentOnServer = 20_000
const rounds = 5
const partMs = (Number(seconds) * 1_000) / rounds
const group = 64
// Not in the temporary folder, which is memory on many machines.
const folder = mkdtempSync(join(resolve('.'), '.bench-messaging-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const payload = { text: 'x'.repeat(200) }
const storedShape = await storedShapeOf(join(folder, 'stored-shape.db'), payload)

const Note = defineMessage('bench.note')

interface Result {
  readonly perSecond: number
  readonly times: readonly number[]
}

async function fill(troupe: Troupe, depth: number): Promise<void> {
  const ada = troupe.user('ada')
  for (let from = 0; from < depth; from += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, depth - from) }, (_, i) =>
        ada.agent(`Sender ${i % group}`).messages.send(Note, payload, { to: 'Box' }),
      ),
    )
}

/** Pairs of a sender and a consumer, each message acknowledged before the next is sent. */
async function ours(troupe: Troupe, pairs: number): Promise<Result> {
  const ada = troupe.user('ada')
  const { mailbox } = ada.agent('Box')
  const times: number[] = []
  const started = performance.now()
  const pair = async (n: number) => {
    const { messages } = ada.agent(`Sender ${n}`)
    while (performance.now() - started < partMs) {
      const before = performance.now()
      await messages.send(Note, payload, { to: 'Box' })
      const [delivery] = await mailbox.receive({ max: 1, wait: '1s' })
      await delivery?.ack()
      times.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: pairs }, (_, n) => pair(n)))
  return { perSecond: (times.length / (performance.now() - started)) * 1_000, times }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
const rate = (n: number) => Math.round(n).toLocaleString('en').padStart(9)

function show(pairs: number, results: readonly Result[], beside: readonly number[]): void {
  const times = results.flatMap((each) => each.times).sort((a, b) => a - b)
  const at = (p: number) => `${(times[Math.floor((times.length - 1) * p)] ?? 0).toFixed(2)} ms`
  // Of the same round: what else the machine did struck both.
  const ratios = results.map(({ perSecond }, round) => perSecond / (beside[round] ?? 1)).map((each) => each.toFixed(2))
  const [least, middle, highest] = [
    ratios.toSorted()[0],
    ratios.toSorted()[Math.floor(rounds / 2)],
    ratios.toSorted().at(-1),
  ]
  const against = pairs === group ? `  ${least} – ${middle} – ${highest} of it (aim 0.40)` : ''
  const perSecond = median(results.map((each) => each.perSecond))
  console.log(`  ${String(pairs).padStart(2)} at once${rate(perSecond)}/s  p50 ${at(0.5)}  p99 ${at(0.99)}${against}`)
}

async function measure(storageKind: 'memory' | 'file' | 'postgres', depth: number): Promise<void> {
  const file = (name: string) => (storageKind === 'memory' ? ':memory:' : join(folder, `${name}-${depth}.db`))
  const onServer = { url: server, schema: `${schema}_${depth}` }
  await using troupe = await createTroupe({
    storage: storageKind === 'postgres' ? onServer : storageKind === 'memory' ? 'memory:' : `sqlite:${file('troupe')}`,
    log: 'silent',
    messaging: { capacity: { count: depth + 100_000, bytes: 4_000_000_000 } },
  })
  const raw: Raw =
    storageKind === 'postgres'
      ? await openRawPostgres(server, `${schema}_raw`, group)
      : openSameRows(file('raw'), { group, storedShape })
  const bare = storageKind === 'postgres' ? undefined : openBareRows(file('bare'), group)
  await raw.fill(depth)
  await bare?.fill(depth)
  const sent = storageKind === 'postgres' ? Math.min(depth, sentOnServer) : depth
  await fill(troupe, sent)
  if (depth > sent) await deepen(server, onServer.schema, depth - sent)
  const beside: number[] = []
  const bareRates: number[] = []
  const results = new Map<number, Result[]>([1, 8, 64].map((pairs) => [pairs, []]))
  for (let round = 0; round < rounds; round++) {
    beside.push(await raw.run(partMs))
    if (bare) bareRates.push(await bare.run(partMs))
    for (const [pairs, all] of results) all.push(await ours(troupe, pairs))
  }
  await raw.close()
  await bare?.close()
  const how = storageKind === 'postgres' ? `${group} at once` : `in groups of ${group}`
  console.log(`${storageKind}, ${depth.toLocaleString('en')} waiting; by hand ${rate(median(beside))}/s ${how}`)
  for (const [pairs, all] of results) show(pairs, all, beside)
  if (!bare) return
  const ratios = (results.get(group) ?? []).map(({ perSecond }, round) => perSecond / (bareRates[round] ?? 1))
  console.log(`  bare rows by hand ${rate(median(bareRates))}/s: ${median(ratios).toFixed(2)} of them`)
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
for (const storageKind of ['memory', 'file'] as const) for (const depth of depths) await measure(storageKind, depth)
if (missing) console.log(`postgres skipped: ${missing}`)
else for (const depth of depths) await measure('postgres', depth)
if (!missing) await dropped(depths.map((depth) => `${schema}_${depth}`))
console.log('Of Syntha, v0.1, in memory beside 100,000 keys, 9 messages received a second were measured elsewhere.')
