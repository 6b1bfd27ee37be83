import { count, inShort, lasting, percent } from '../format.ts'
import { visible } from '../visible.ts'

/** The details of a health check as text: `longest queue 3, workers 2`. */
export const checkDetails = (details: Readonly<Record<string, unknown>> = {}): string =>
  Object.entries(details)
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([name, value]) => `${labels[name] ?? inWords(name)} ${textOf(name, value)}`)
    .join(', ')

/** The names that say too little. */
const labels: Readonly<Record<string, string>> = { worstMs: 'longest delay' }

/** Two checks count what this process works on: mailboxes without a worker here are in neither. */
const processChecks: ReadonlySet<string> = new Set(['queues', 'agents'])

/** The name of a health check as text. */
export const checkName = (name: string): string =>
  processChecks.has(name) ? `${inWords(name)} of this process` : inWords(name)

/** `deadLetters` is `dead letters`. */
export const inWords = (name: string): string =>
  visible(name).replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`)

function textOf(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => inShort(one)).join(', ')
  if (typeof value !== 'number') return inShort(value)
  if (name.endsWith('Ms')) return lasting(value)
  return name === 'used' ? percent(value) : count(Math.round(value * 10) / 10)
}
