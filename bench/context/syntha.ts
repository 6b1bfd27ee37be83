/** Syntha's published code beside ours, in memory; where it cannot be run, why, and what was once measured of it. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const names = ['push', 'update', 'list', 'stats'] as const
/** Per second. */
type Measurements = Readonly<Record<(typeof names)[number], number>>

const script = join(import.meta.dirname, 'measure-syntha.py')
const notImported = 3
const timeoutMs = 10 * 60_000

/**
 * @param seconds of each figure
 * @param ours at as many entries
 * @throws where Python or the script fails
 */
export function besideSyntha(entries: number, seconds: number, ours: Measurements): string {
  const { error, status, signal, stdout, stderr } = spawnSync('python3', [script, `${entries}`, `${seconds}`], {
    encoding: 'utf8',
    timeout: timeoutMs,
  })
  if (error && 'code' in error && error.code === 'ENOENT') return quoteSyntha('there is no python3')
  if (status === notImported) return quoteSyntha(`${stderr.trim()} (pip install syntha)`)
  if (stderr) console.error(stderr.trimEnd())
  if (error) throw error
  if (status !== 0) throw new Error(`${script} ended with ${signal ?? `exit code ${status}`}.`)
  const theirs = JSON.parse(stdout) as Measurements & { readonly version: string }
  const rate = (n: number) => Math.round(n).toLocaleString('en')
  const pairs = names.map((name) => `${name} ${rate(theirs[name])} (ours ${rate(ours[name])})`).join(', ')
  return `Syntha ${theirs.version}, in memory, ${rate(entries)} entries, per second: ${pairs}.
Its push is of a new key, its update a push of one that stands, its list shows all keys. Our push is of a key that stands,
our update reads it first, 64 of them come at once, and our list shows 100.`
}

/** @param why the reason why nothing was measured */
export const quoteSyntha = (why: string): string =>
  `Syntha was not measured: ${why}. Figures of its published code, v0.2.6, from two shared virtual cores of an AMD EPYC with \
Python 3.11.7, in memory at 100,000 keys, per second: push 206, update 151, list 26, stats 16.`
