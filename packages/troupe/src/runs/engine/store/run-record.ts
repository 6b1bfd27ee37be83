/**
 * A record of a run's journal and its stored form: a value that occurs several times in a large record (an outcome that is the
 * input of ten branches) is written once, and `same` has its other positions.
 */
import { finishNow, fitsWithin, isLongValue, type Json, jsonInParts, type WorkInParts } from '../../../core/index.ts'
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

/** Sizes in characters: shorter texts are stored without this compression. */
const large = { text: 1024, events: 500 }

export const encodeRecord = (record: RunRecord): EncodedBody => finishNow(encodeRecordInParts(record))

/** The same in parts: a record of thousands of events, or of a large value, takes longer than other work may wait. */
export function* encodeRecordInParts(record: RunRecord): WorkInParts<EncodedBody> {
  const { input, events, first } = record
  const isShort = events.length <= large.events && !isLongValue(record)
  if (isShort) return new EncodedBody(JSON.stringify(record))
  const repeats = new Repeats()
  const parts = [`{"input":${yield* repeats.encode(input, { holder: undefined, key: 'input' })},"events":[`]
  yield
  const holder = { holder: undefined, key: 'events' }
  for (const [key, event] of events.entries()) {
    parts.push(`${key === 0 ? '' : ','}${yield* repeats.encode(event, { holder, key })}`)
    yield
  }
  parts.push(`],"first":${first},"same":${JSON.stringify(repeats.same)}}`)
  return new EncodedBody(parts.join(''))
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

/** Finds values that occur several times in a record. */
class Repeats {
  /** The position of each repetition, and of the first occurrence. */
  readonly same: (readonly [at: Path, from: Path])[] = []
  readonly #seen = new Map<unknown, ValueLocation>();

  /** @returns the value as JSON, with null for each repetition; the search and the text are a part each if it is long */
  *encode(value: unknown, location: ValueLocation): WorkInParts<string> {
    const left = this.#without(value, location)
    return yield* jsonInParts(left)
  }

  /** A value without repetitions is not copied. A short one is written as often as it occurs. */
  #without(value: unknown, location: ValueLocation): unknown {
    if (fitsWithin(value, large.text)) return value
    const first = this.#seen.get(value)
    if (first) {
      this.same.push([pathTo(location), pathTo(first)])
      return null
    }
    this.#seen.set(value, location)
    if (typeof value === 'string') return value
    if (Array.isArray(value)) {
      let copy: unknown[] | undefined
      for (let i = 0; i < value.length; i++) {
        const left = this.#without(value[i], { holder: location, key: i })
        if (left === value[i]) continue
        copy ??= [...value]
        copy[i] = left
      }
      return copy ?? value
    }
    let copy: Record<string, unknown> | undefined
    for (const key of Object.keys(value as object)) {
      const one = (value as Record<string, unknown>)[key]
      const left = this.#without(one, { holder: location, key })
      if (left === one) continue
      copy ??= { ...(value as Record<string, unknown>) }
      copy[key] = left
    }
    return copy ?? value
  }
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
