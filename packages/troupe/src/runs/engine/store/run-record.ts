/**
 * A record of a run's journal, and how it is stored: what stands in a large one several times (an outcome that goes on
 * as the input of ten branches) is written once, and `same` says where else it stands.
 */
import { encodeJson, type Json } from '../../../core/index.ts'
import { EncodedBody } from '../../../journal/index.ts'
import type { Event, Input } from '../../machine/machine-events.ts'

export type RunRecord = {
  readonly input: Input
  readonly events: readonly Event[]
  /** The number of the first event. */
  readonly first: number
}

type Path = readonly (string | number)[]
interface Stored {
  readonly same?: readonly (readonly [at: Path, from: Path])[]
}

/** Characters: smaller records of no more events are stored as they are, and shorter texts wherever they stand. */
const large = { record: 64 * 1024, text: 1024, events: 500 }

export function encodeRecord(record: RunRecord): EncodedBody {
  // Written twice, a record of thousands of events would keep the processor for too long.
  const text = record.events.length > large.events ? undefined : encodeJson(record, 'A record of a run')
  if (text !== undefined && text.length <= large.record) return new EncodedBody(text)
  const seen = new Map<unknown, Path>()
  const same: (readonly [Path, Path])[] = []
  const once = (value: unknown, at: Path): unknown => {
    if (typeof value === 'string' ? value.length < large.text : typeof value !== 'object' || value === null)
      return value
    const from = seen.get(value)
    if (from) {
      same.push([at, from])
      return null
    }
    seen.set(value, at)
    if (Array.isArray(value)) return value.map((one, i) => once(one, [...at, i]))
    if (typeof value === 'string') return value
    return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, once(one, [...at, key])]))
  }
  const shared = once(record, []) as object
  return new EncodedBody(JSON.stringify({ ...shared, same }))
}

/** @param body of a record of a run's journal; those that hold no events of it give none */
export function readRecord(body: Json): Partial<RunRecord> {
  const { same = [], ...record } = body as Stored & Partial<RunRecord>
  for (const [at, from] of same) {
    const value = from.reduce<unknown>((inside, key) => (inside as Record<string, unknown>)[key], record)
    const holder = at.slice(0, -1).reduce<unknown>((inside, key) => (inside as Record<string, unknown>)[key], record)
    // Defined, for a name that a user chose may be `__proto__`.
    Object.defineProperty(holder, at.at(-1) as string, { value, writable: true, enumerable: true, configurable: true })
  }
  return record
}
