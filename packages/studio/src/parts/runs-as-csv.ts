/** Runs as CSV (RFC 4180), for a spreadsheet: no cell is taken for a formula. */
import type { Summary } from '../api/shapes.ts'
import { lastedMs } from './run-table.tsx'

const columns: Readonly<Record<string, (run: Summary) => string | number | undefined>> = {
  run: ({ id }) => id,
  task: ({ title }) => title,
  status: ({ status, reason }) => (reason === undefined ? status : `${status} (${reason})`),
  error: ({ error }) => error?.code,
  team: ({ team, agents }) => team ?? agents.join(', '),
  tags: ({ tags }) => tags.join(', '),
  started: ({ createdAt }) => createdAt,
  ended: ({ endedAt }) => endedAt,
  'duration ms': lastedMs,
  steps: ({ steps }) => steps,
  'input tokens': ({ usage }) => usage?.inputTokens,
  'output tokens': ({ usage }) => usage?.outputTokens,
  'cost USD': ({ cost }) => cost?.usd,
}

export function runsAsCsv(runs: readonly Summary[]): string {
  const lines = [Object.keys(columns), ...runs.map((run) => Object.values(columns).map((of) => of(run) ?? ''))]
  return lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
