/**
 * Time and peak memory of the first run, from the start of the process to its report: on the documentation that the
 * installed packages ship, and on generated files of 50 MB in all, of several kinds and sizes. Ends with 1 if a row
 * misses its aim; the aims of time are for two idle cores.
 *
 *     node bench/npm-start/main.ts [ROUNDS] [ROW]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Measured, measureRun } from './measure-run.ts'
import { type CorpusOptions, writeCorpus } from './write-corpus.ts'

interface Row {
  readonly name: string
  /** The documents, as arguments of the command. */
  readonly args: readonly string[]
  readonly aim: { readonly seconds: number; readonly megabytes: number }
}

const rounds = Number(process.argv[2] ?? 3)
const only = process.argv[3]
const folder = mkdtempSync(join(tmpdir(), 'first-run-'))
const question = 'How are retries limited, and when does the queue refuse new work? How is the cache cleared?'

function generated(name: string, options: Omit<CorpusOptions, 'bytes' | 'seed'>): Row {
  const docs = join(folder, name.replaceAll(' ', '-'))
  writeCorpus(docs, { ...options, bytes: 50_000_000, seed: 1 })
  return { name, args: [question, '--docs', docs], aim: { seconds: 40, megabytes: 400 } }
}

function* rows(): Generator<Row> {
  yield { name: 'of the installed packages', args: [], aim: { seconds: 10, megabytes: 400 } }
  yield generated('10000 pages', { files: 10_000 })
  yield generated('7 long pages', { files: 7 })
  yield generated('7 logs', { shape: 'logs', files: 7 })
  yield generated('7 tables', { shape: 'tables', files: 7 })
  yield generated('1000 source files', { shape: 'code', files: 1_000 })
  yield generated('25 HTML pages', { shape: 'html', files: 25 })
}

console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model}, ${rounds} rounds\n`)
console.log('| documents | median | range | peak memory | aim | |')
console.log('|---|---|---|---|---|---|')
try {
  for (const { name, args, aim } of rows()) {
    if (only !== undefined && !name.includes(only)) continue
    const measured: Measured[] = []
    for (let round = 0; round < rounds; round++)
      measured.push(await measureRun(args, join(folder, `run-${name}-${round}`)))
    const seconds = measured.map((one) => one.ms / 1000).sort((a, b) => a - b)
    const middle = seconds[Math.floor(seconds.length / 2)] ?? Number.NaN
    const peak = Math.max(...measured.map((one) => one.peakBytes)) / 1_000_000
    const range = `${(seconds[0] ?? 0).toFixed(1)} to ${(seconds.at(-1) ?? 0).toFixed(1)} s`
    const isMet = middle <= aim.seconds && peak <= aim.megabytes
    if (!isMet) process.exitCode = 1
    const aims = `${aim.seconds} s, ${aim.megabytes} MB`
    console.log(
      `| ${name} | ${middle.toFixed(1)} s | ${range} | ${peak.toFixed(0)} MB | ${aims} | ${isMet ? 'met' : 'MISSED'} |`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
