/** The recorded output of a tool whose execution called paid models: what they used is recorded with it. */
import { asJson, isObject, type Json } from '../core/index.ts'
import type { ModelSpent } from '../models/index.ts'

const field = '$modelCalls'

type Recorded = { readonly [field]: readonly ModelSpent[]; readonly output: Json }

const isRecorded = (value: unknown): value is Recorded => isObject(value) && Object.hasOwn(value, field)

/** Returns what is recorded: the output alone if no model was called. An output that has the field itself is wrapped too. */
export const withModelCalls = (output: Json, spent: readonly ModelSpent[]): Json =>
  spent.length === 0 && !isRecorded(output) ? output : { [field]: asJson(spent), output }

/** Returns the output of a recorded result, and what the models used. */
export function readModelCalls(recorded: Json): { readonly output: Json; readonly spent: readonly ModelSpent[] } {
  return isRecorded(recorded) ? { output: recorded.output, spent: recorded[field] } : { output: recorded, spent: [] }
}
