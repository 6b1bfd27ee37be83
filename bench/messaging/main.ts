/**
 * Send, receive and acknowledge per second and how long each message takes, with 1 and 64 pairs at work and with
 * mailboxes that are nearly empty and deep, beside the same rows moved by hand in the same run. Aims: at least 0.40 of
 * those, and the same cost at every depth.
 *
 * node bench/messaging/main.ts [seconds per line] [depth, depth, …]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { createTroupe, defineMessage } from 'troupe'
import { raw } from './raw.ts'

const [seconds = '1.5', ...given] = process.argv.slice(2)
const depths = given.length > 0 ? given.map(Number) : [10, 100_000]
const rounds = 3
const partMs = (Number(seconds) * 1_000) / rounds
const group = 64
// Not in the temporary folder, which is memory on many machines.
const folder = mkdtempSync(join(resolve('.'), '.bench-messaging-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let files = 0
const file = () => join(folder, `${files++}.db`)

const Note = defineMessage('bench.note')
const payload = { text: 'x'.repeat(200) }

interface Result {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Pairs of a sender and a consumer, each message acknowledged before the next is sent. */
async function ours(storage: string, pairs: number, depth: number): Promise<Result> {
  await using troupe = await createTroupe({
    storage,
    log: 'silent',
    messaging: { capacity: { count: depth + 100_000, bytes: 4_000_000_000 } },
  })
  const ada = troupe.user('ada')
  const { mailbox } = ada.agent('Box')
  for (let from = 0; from < depth; from += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, depth - from) }, (_, i) =>
        ada.agent(`Sender ${i % group}`).messages.send(Note, payload, { to: 'Box' }),
      ),
    )
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
  const perSecond = (times.length / (performance.now() - started)) * 1_000
  times.sort((a, b) => a - b)
  const percentile = (p: number) => times[Math.floor((times.length - 1) * p)] ?? 0
  return { perSecond, p50Ms: percentile(0.5), p99Ms: percentile(0.99) }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
const rate = (n: number) => Math.round(n).toLocaleString('en').padStart(9)

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${seconds} s a line`)
for (const place of ['memory', 'file'] as const)
  for (const depth of depths) {
    const beside: number[] = []
    const results = new Map<number, Result[]>([1, 64].map((pairs) => [pairs, []]))
    // In turns, so that what else the machine does strikes all alike; the median of the rounds counts.
    for (let round = 0; round < rounds; round++) {
      beside.push(raw(place === 'memory' ? ':memory:' : file(), depth, group, partMs))
      for (const [pairs, all] of results)
        all.push(await ours(place === 'memory' ? 'memory:' : `sqlite:${file()}`, pairs, depth))
    }
    console.log(
      `${place}, ${depth.toLocaleString('en')} waiting; by hand ${rate(median(beside))}/s in groups of ${group}`,
    )
    for (const [pairs, all] of results) {
      const of = (field: keyof Result) => median(all.map((each) => each[field]))
      const ratio = pairs === group ? `  ${(of('perSecond') / median(beside)).toFixed(2)} of it (aim 0.40)` : ''
      console.log(
        `  ${String(pairs).padStart(2)} at once${rate(of('perSecond'))}/s  p50 ${of('p50Ms').toFixed(2)} ms  p99 ${of('p99Ms').toFixed(2)} ms${ratio}`,
      )
    }
  }
