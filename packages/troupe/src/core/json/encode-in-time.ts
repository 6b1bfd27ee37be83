/** Reads and writes JSON text between other work: a long text waits for a macrotask that has time left. */

import type { Clock } from '../time/clock.ts'
import { TimeSlice } from '../time/time-slice.ts'
import type { Json } from '../values/json-value.ts'
import { isLongValue, longLength } from '../values/long-values.ts'
import { copyJson, decodeJson, encodeJson } from './json.ts'
import { jsonInParts } from './json-in-parts.ts'

/** In characters. A thousand texts of this length are read in about 10 ms. */
const shortLength = 1_024

/** Returns the value of a JSON text, at once if the text is short or the macrotask has time left. */
export function decodeInTime(json: string, clock: Clock): Json | Promise<Json> {
  if (json.length <= shortLength) return decodeJson(json)
  if (json.length > longLength) return decodeLong(json, clock)
  const slice = new TimeSlice(clock)
  return slice.isOver ? slice.renew().then(() => decodeJson(json)) : decodeJson(json)
}

async function decodeLong(json: string, clock: Clock): Promise<Json> {
  const slice = new TimeSlice(clock)
  await slice.renew()
  const value = decodeJson(json)
  if (slice.isOver) await slice.renew()
  return value
}

/**
 * Returns the JSON text of a value as it is at the call. A long value is copied at once, and written in a later macrotask.
 * @param what the name of the value in the error
 * @throws ValidationError as `encodeJson`
 */
export const encodeInTime = (value: unknown, what: string, clock: Clock): string | Promise<string> =>
  isLongValue(value) ? encodeCopy(copyJson(value, what), clock) : encodeJson(value, what)

async function encodeCopy(copy: Json, clock: Clock): Promise<string> {
  const slice = new TimeSlice(clock)
  const text = await slice.finish(jsonInParts(copy), 1)
  await slice.renew()
  return text
}
