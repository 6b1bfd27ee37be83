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
  const same: (readonly [Path, Path])[] = []
  const shared = withoutRepeats(record, same) as object
  return new EncodedBody(JSON.stringify({ ...shared, same }))
}

/** Where a value stands: a path is written out for repeats alone. */
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
 * @param same takes where each repeat stands, and where its value stood first
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
