/** A short digest of plain data, by its values alone. */
import { createHash } from 'node:crypto'

/**
 * The same for equal values in every process. `v8.serialize` is no ground for it: it writes 14 as an integer or as a
 * double, and a text in one byte or two per character, as the engine happens to hold them.
 */
export const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value, asJson)).digest('hex').slice(0, 16)

function asJson(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}
