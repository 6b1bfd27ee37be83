/** What the processes of the bank write down, and what the checks read. */
import { existsSync, readFileSync } from 'node:fs'
import type { Context } from 'troupe'

export const banks = ['north', 'south'] as const
export const accounts = 8
export const startBalance = 100
export const registers = 3

/** The history holds every version, so that what became of a write whose end nobody knows can be looked up. */
export const bankConfig = (storage: string) => ({
  storage,
  log: 'silent' as const,
  context: { limits: { history: 10_000 } },
  ...(storage.startsWith('postgres') ? { lease: '2s' as const } : {}),
})

export interface Transfer {
  readonly [field: string]: number
  readonly from: number
  readonly to: number
  readonly amount: number
}

export interface WatchLine {
  /** Across lives. */
  readonly order: number
  readonly item: Context.WatchItem
}

export interface LogLine {
  readonly kind: string
  readonly id: string
  readonly bank?: string
  readonly what?: string
  readonly code?: string
  readonly name?: string
  readonly message?: string
  readonly error?: string
}

/** The last line of a process that was killed may be cut off. */
export const linesOf = <Line>(file: string): Line[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as Line)
    : []
