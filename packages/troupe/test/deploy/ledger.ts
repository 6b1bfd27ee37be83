/** What the team of these trials did: a line for each time, with what it was and which process did it. */
import { existsSync, readFileSync } from 'node:fs'

export interface LedgerEntry {
  readonly what: string
  readonly pid: number
}

export function readLedger(path: string): readonly LedgerEntry[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => line.split(' ')).map(([what = '', pid]) => ({ what, pid: Number(pid) }))
}

/** How often something was done again, and how often another process went on: only what was then under way may be repeated. */
export function repeatsOf(entries: readonly LedgerEntry[]): { readonly repeats: number; readonly changes: number } {
  return {
    repeats: entries.length - new Set(entries.map(({ what }) => what)).size,
    changes: entries.filter(({ pid }, i) => i > 0 && entries[i - 1]?.pid !== pid).length,
  }
}
