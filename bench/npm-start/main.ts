/**
 * Time and peak memory of the first run, from the start of the process to its report: on the documentation that the
 * installed packages ship, and on 10,000 generated files of 50 MB in all. Aims: 10 s and 40 s on two cores.
 *
 *     node bench/npm-start/main.ts [ROUNDS]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Measured, measureRun } from './measure-run.ts'
import { writeCorpus } from './write-corpus.ts'

const rounds = Number(process.argv[2] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'first-run-'))

function row(name: string, aim: string, measured: readonly Measured[]): string {
  const seconds = measured.map((one) => one.ms / 1000).sort((a, b) => a - b)
  const middle = seconds[Math.floor(seconds.length / 2)] ?? Number.NaN
  const peak = Math.max(...measured.map((one) => one.peakBytes)) / 1_000_000
  const range = `${(seconds[0] ?? 0).toFixed(1)} to ${(seconds.at(-1) ?? 0).toFixed(1)} s`
  return `| ${name} | ${middle.toFixed(1)} s | ${range} | ${peak.toFixed(0)} MB | ${aim} |`
}

try {
  const large = join(folder, 'corpus')
  const { files, bytes } = writeCorpus(large, { files: 10_000, bytes: 50_000_000, seed: 1 })
  const question = 'How are retries limited, and when does the queue refuse new work? How is the cache cleared?'
  const byDefault: Measured[] = []
  const onCorpus: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    byDefault.push(await measureRun([], join(folder, `default-${round}`)))
    onCorpus.push(await measureRun([question, '--docs', large], join(folder, `corpus-${round}`)))
  }
  console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model}, ${rounds} rounds\n`)
  console.log('| documents | median | range | peak memory | aim |')
  console.log('|---|---|---|---|---|')
  console.log(row('of the installed packages', '10 s', byDefault))
  console.log(row(`${files.toLocaleString('en')} files, ${(bytes / 1_000_000).toFixed(0)} MB`, '40 s', onCorpus))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
