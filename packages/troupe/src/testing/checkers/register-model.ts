/** A key that holds one value: read, written, written only over a version, deleted. Versions never restart. */
import { encodeJson, failure, type Json } from '../../core/index.ts'
import { checkFields } from '../check-fields.ts'
import { impossible, type Model } from './linearizability.ts'

export type RegisterInput =
  | { readonly do: 'read' }
  | { readonly do: 'write'; readonly value: Json }
  /** Only where the version is this; 0 means only when absent. */
  | { readonly do: 'write-if'; readonly version: number; readonly value: Json }
  | { readonly do: 'delete' }

export type RegisterOutput =
  /** Of a read: what stood there; undefined when nothing did. */
  | { readonly value: Json | undefined; readonly version?: number | undefined }
  /** Of a write: the version it made. */
  | { readonly version: number }
  /** Of a `write-if` that was refused. */
  | { readonly conflict: true }
  /** Of a delete. */
  | { readonly deleted: boolean }

export interface RegisterState {
  readonly value: Json | undefined
  /** The last one given, whether it stands or was deleted. */
  readonly version: number
}

export const registerModel: Model<RegisterState, RegisterInput, RegisterOutput> = {
  initial: { value: undefined, version: 0 },
  text(state) {
    checkFields('The state of registerModel', state, { version: 'number' })
    return `${state.version}:${state.value === undefined ? '' : encodeJson(state.value)}`
  },
  step(state, input, known) {
    checkFields('The state of registerModel', state, { version: 'number' })
    checkFields('The input of registerModel', input, { do: 'string' })
    if (known !== undefined) checkFields('What registerModel knows', known, {})
    if (known?.value !== undefined) checkFields('The output of registerModel', known.value, {})
    const output = known?.value
    switch (input.do) {
      case 'read':
        return output === undefined || fitsRead(state, output) ? state : impossible
      case 'write':
        return written(state, input.value, output)
      case 'write-if': {
        const fits = (state.value === undefined ? 0 : state.version) === input.version
        if (output && 'conflict' in output) return fits ? impossible : state
        // A write that was refused changes nothing, and that may be what nobody was told.
        if (!fits) return output === undefined ? state : impossible
        return written(state, input.value, output)
      }
      case 'delete':
        if (output && 'deleted' in output && output.deleted !== (state.value !== undefined)) return impossible
        return { value: undefined, version: state.version }
      default:
        throw failure('validation.failed', {
          what: 'The input of registerModel',
          problem: 'it is not an operation of a register',
        })
    }
  },
}

const textOf = (value: Json | undefined): string => (value === undefined ? '' : encodeJson(value))

function fitsRead(state: RegisterState, output: RegisterOutput): boolean {
  if (!('value' in output)) return false
  if (textOf(output.value) !== textOf(state.value)) return false
  return output.version === undefined || output.version === state.version
}

function written({ version }: RegisterState, value: Json, output: RegisterOutput | undefined) {
  const after = { value, version: version + 1 }
  return output === undefined || ('version' in output && output.version === after.version) ? after : impossible
}
