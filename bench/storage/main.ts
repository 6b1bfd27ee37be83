/**
 * Commits per second and their latency, the event loop meanwhile, beside the same rows written by hand in the same run.
 * Aims: with 64 writers at least 0.4 of the rate of node:sqlite in groups of 64; one writer waits two fsyncs at most.
 *
 * node bench/storage/main.ts [seconds per line]
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { raw } from './raw.ts'
import { type OurResult, ours } from './troupe-storage.ts'

const forMs = Number(process.argv[2] ?? 3) * 1_000
// Not in the temporary folder, which is memory on many machines.
const folder = mkdtempSync(join(resolve('.'), '.bench-storage-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let files = 0
const file = () => join(folder, `${files++}.db`)

/** Appends a page and waits for the disk, as a commit does at the least. */
function fsync(): number {
  const [descriptor, page, times] = [openSync(file(), 'w'), Buffer.alloc(4_096, 1), [] as number[]]
  for (let i = 0; i < 300; i++) {
    const before = performance.now()
    writeSync(descriptor, page)
    fdatasyncSync(descriptor)
    times.push(performance.now() - before)
  }
  closeSync(descriptor)
  return times.sort((a, b) => a - b)[150] as number
}

const number = (value: number, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }).padStart(12)
const line = (name: string, cells: readonly string[]) => console.log(name.padEnd(30) + cells.join(''))
const show = (name: string, result: OurResult) =>
  line(name, [
    number(result.perSecond),
    ...[result.p50Ms, result.p99Ms, result.loopP99Ms, result.loopMaxMs].map((ms) => number(ms, 2)),
  ])

/** Measured in turns, so that what else the machine does strikes all alike; the median of the rounds counts. */
const rounds = 3
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
const storageUrls = { memory: () => 'memory:', file: () => `sqlite:${file()}` }
const cases = (['memory', 'file'] as const).flatMap((storageKind) =>
  [1, 64, 1_000].map((writers) => ({ storageKind, writers })),
)
const nameOf = ({ storageKind, writers }: (typeof cases)[number]) =>
  `troupe, ${storageKind}, ${writers} writer${writers > 1 ? 's' : ''}`
const ofOurs = new Map<string, OurResult[]>()
const ofRaw = new Map<string, number[]>()
const fsyncs: number[] = []
const append = <Value>(map: Map<string, Value[]>, name: string, value: Value) =>
  map.set(name, [...(map.get(name) ?? []), value])

for (let round = 0; round < rounds; round++) {
  const part = forMs / rounds
  for (const each of cases)
    append(ofOurs, nameOf(each), await ours(storageUrls[each.storageKind](), each.writers, part))
  for (const group of [1, 64]) append(ofRaw, `node:sqlite, file, by ${group}`, raw(file(), group, part).perSecond)
  append(ofRaw, 'node:sqlite, memory, by 64', raw(':memory:', 64, part).perSecond)
  fsyncs.push(fsync())
}
const result = (name: string): OurResult => {
  const all = ofOurs.get(name) ?? []
  const of = (field: keyof OurResult) => median(all.map((each) => each[field]))
  return {
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    loopP99Ms: of('loopP99Ms'),
    loopMaxMs: of('loopMaxMs'),
  }
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${forMs / 1_000} s a line`)
line(
  '',
  ['commits/s', 'p50 ms', 'p99 ms', 'loop p99 ms', 'loop max ms'].map((title) => title.padStart(12)),
)
for (const each of cases) show(nameOf(each), result(nameOf(each)))
for (const [name, rates] of ofRaw) line(name, [number(median(rates))])
line('fdatasync of a page', [' '.repeat(12), number(median(fsyncs), 2)])

const rate = (name: string) => median(ofRaw.get(name) ?? [])
const ratio = (storageKind: 'file' | 'memory') =>
  (result(nameOf({ storageKind, writers: 64 })).perSecond / rate(`node:sqlite, ${storageKind}, by 64`)).toFixed(2)
console.log(`\n64 writers on a file: ${ratio('file')} of node:sqlite in groups of 64 (aim: at least 0.40)`)
console.log(`64 writers in memory: ${ratio('memory')} of node:sqlite in groups of 64`)
const waits = result(nameOf({ storageKind: 'file', writers: 1 })).p50Ms / median(fsyncs)
console.log(`One writer on a file waits ${waits.toFixed(2)} fsyncs (aim: at most 2)`)
