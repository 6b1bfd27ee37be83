/** A sequential specification of one key of a store, for `checkLinearizability`. */
import { encodeJson, invalidInput, type Json } from '../../core/index.ts'
import { checkFields } from '../check-fields.ts'
import { impossible, type Model } from './linearizability.ts'

/** The input of an operation on a register. */
export type RegisterInput =
  | { readonly do: 'read' }
  | {
      readonly do: 'write'
      /** The value to write. */
      readonly value: Json
    }
  | {
      readonly do: 'write-if'
      /** The version that the register must have; 0 for a register without a value. */
      readonly version: number
      /** The value to write. */
      readonly value: Json
    }
  | { readonly do: 'delete' }

/** The output of an operation on a register. */
export type RegisterOutput =
  /** Of a read. */
  | {
      /** The value that was read; undefined if there was none. */
      readonly value: Json | undefined
      /** The version that was read; not checked if it is undefined. */
      readonly version?: number | undefined
    }
  /** Of a write. */
  | {
      /** The version that was written. */
      readonly version: number
    }
  /** Of a `write-if` that was rejected. */
  | { readonly conflict: true }
  /** Of a delete. */
  | {
      /** True if there was a value to delete. */
      readonly deleted: boolean
    }

/** The state of a register. */
export interface RegisterState {
  /** The value; undefined if there is none. */
  readonly value: Json | undefined
  /** The last version, also if its value was deleted. */
  readonly version: number
}

/**
 * The model of a key with one value that is read, written, written conditionally and deleted. Versions continue after a
 * delete.
 */
export const registerModel: Model<RegisterState, RegisterInput, RegisterOutput> = {
  initial: { value: undefined, version: 0 },
  text(state) {
    checkFields('The state of registerModel', state, { version: 'number' })
    return `${state.version}:${state.value === undefined ? '' : encodeJson(state.value)}`
  },
  step(state, input, known) {
    checkFields('The state of registerModel', state, { version: 'number' })
    checkFields('The input of registerModel', input, { do: 'string' })
    if (known !== undefined) checkFields('The argument of registerModel', known, {})
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
        // A rejected write changes nothing, and a write with an unknown outcome may have been rejected.
        if (!fits) return output === undefined ? state : impossible
        return written(state, input.value, output)
      }
      case 'delete':
        if (output && 'deleted' in output && output.deleted !== (state.value !== undefined)) return impossible
        return { value: undefined, version: state.version }
      default:
        throw invalidInput('The input of registerModel', 'it is not an operation of a register')
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
