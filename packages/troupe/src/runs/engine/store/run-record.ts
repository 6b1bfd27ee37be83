/**
 * A record of a run's journal and its stored form: a value that occurs several times in a large record (an outcome that is the
 * input of ten branches) is written once, and `same` has its other positions.
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

/** Sizes in characters: smaller records and shorter texts are stored without this compression. */
const large = { record: 64 * 1024, text: 1024, events: 500 }

export function encodeRecord(record: RunRecord): EncodedBody {
  // Serialising a record of thousands of events twice would block the thread for too long.
  const text = record.events.length > large.events ? undefined : encodeJson(record, 'A record of a run')
  if (text !== undefined && text.length <= large.record) return new EncodedBody(text)
  const same: (readonly [Path, Path])[] = []
  const shared = withoutRepeats(record, same) as object
  return new EncodedBody(JSON.stringify({ ...shared, same }))
}

/** The position of a value; the path is built only for repeated values. */
interface ValueLocation {
  readonly holder: ValueLocation | undefined
  readonly key: string | number
}

function pathTo(location: ValueLocation | undefined): Path {
  const path: (string | number)[] = []
  for (let each = location; each; each = each.holder) path.push(each.key)
  return path.reverse()
}

/**
 * @param same receives the position of each repetition and of the first occurrence
 * @returns the value with null for each repeat; what holds none is not copied
 */
function withoutRepeats(record: unknown, same: (readonly [at: Path, from: Path])[]): unknown {
  const seen = new Map<unknown, ValueLocation | undefined>()
  const visit = (value: unknown, location: ValueLocation | undefined): unknown => {
    if (typeof value === 'string' ? value.length < large.text : typeof value !== 'object' || value === null)
      return value
    if (seen.has(value)) {
      same.push([pathTo(location), pathTo(seen.get(value))])
      return null
    }
    seen.set(value, location)
    if (typeof value === 'string') return value
    if (Array.isArray(value)) {
      let copy: unknown[] | undefined
      for (let i = 0; i < value.length; i++) {
        const left = visit(value[i], { holder: location, key: i })
        if (left === value[i]) continue
        copy ??= [...value]
        copy[i] = left
      }
      return copy ?? value
    }
    let copy: Record<string, unknown> | undefined
    for (const key of Object.keys(value as object)) {
      const one = (value as Record<string, unknown>)[key]
      const left = visit(one, { holder: location, key })
      if (left === one) continue
      copy ??= { ...(value as Record<string, unknown>) }
      copy[key] = left
    }
    return copy ?? value
  }
  return visit(record, undefined)
}

/** @param body a record of a run's journal; records without events return none */
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
