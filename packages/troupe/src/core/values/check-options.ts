/** Validates options: an unknown or misspelt option is an error. */
import { failure, invalidInput } from '../errors/failure.ts'
import { TroupeError } from '../errors/troupe-error.ts'
import { isPlainObject } from './is-object.ts'
import { nearestOf } from './nearest.ts'
import { show } from './show.ts'

/** Options of which exactly one is given: a member of `T`, while the others are absent. */
export type ExactlyOne<T> = {
  readonly [Name in keyof T]: Pick<T, Name> & { readonly [Other in Exclude<keyof T, Name>]?: undefined }
}[keyof T]

/** The names of the options of `T`, of all its forms if it is a union. */
type OptionNames<T> = T extends unknown ? keyof T & string : never

/**
 * Checks the names of options. The compiler rejects a list that lacks a name of the type of the options, or has another one.
 * @param where the name of the call in the error, e.g. `push`
 * @throws ValidationError `option.unknown` with the nearest known option; `validation.failed` unless it is a readable plain
 * object
 * @example checkOptions('push', options, ['ttl', 'topics'])
 */
export function checkOptions<T extends object, const Known extends readonly OptionNames<T>[]>(
  where: string,
  options: T,
  known: [Exclude<OptionNames<T>, Known[number]>] extends [never]
    ? Known
    : { readonly missing: Exclude<OptionNames<T>, Known[number]> },
): void
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  checkOptionNames(where, options, known)
}

/** Checks the names of options whose type does not list them, like `checkOptions`. */
export function checkOptionNames(where: string, options: object, known: readonly string[]): void {
  if (!isPlainObject(options)) throw invalidInput(where, `it must be an object with ${known.join(', ')}`)
  const names = readable(where, () => {
    // Reads each option, so that the error of a getter names its option.
    for (const option in options) checkLength(`${where}.${option}`, (options as Fields)[option], longestValue)
    return Object.keys(options)
  })
  for (const option of names)
    if (!known.includes(option)) throw failure('option.unknown', { where, option, nearest: nearestOf(option, known) })
}

/**
 * Reads an argument of a caller, whose getters or proxies may throw.
 * @throws ValidationError `validation.failed` with the thrown error as the cause
 */
export function readable<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof TroupeError) throw cause
    throw failure('validation.failed', { what, problem: 'it cannot be read' }, { cause })
  }
}

/**
 * Checks the signal of a call before it starts.
 * @param what the name of the call in the error, e.g. `orchestra.get`
 * @throws CancelledError if the signal has aborted; ValidationError unless it is an AbortSignal
 */
export function checkSignal(what: string, signal: AbortSignal | undefined): void {
  checkSignalType(what, signal)
  if (signal?.aborted) throw failure('cancelled', { what }, { cause: signal.reason })
}

/** @throws ValidationError unless it is an AbortSignal; an aborted one is accepted */
export function checkSignalType(what: string, signal: unknown): void {
  if (signal !== undefined && !readable(`The signal of ${what}`, () => signal instanceof AbortSignal))
    throw invalidInput(`The signal of ${what}`, 'it must be an AbortSignal')
}

/**
 * Returns the signal of options that are validated later.
 * @throws ValidationError unless the options are a readable plain object
 */
export function signalOf(what: string, options: { readonly signal?: AbortSignal }): AbortSignal | undefined {
  if (isPlainObject(options)) return readable(what, () => options.signal)
  throw invalidInput(`The options of ${what}`, `they must be an object`)
}

/** Accepts only `true` and `false`, not other truthy or falsy values. */
export function checkFlag(what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidInput(what, 'it must be true or false')
  return value
}

/**
 * Checks a function of the caller. A call of a generator function executes nothing of it, so it is an error.
 * @throws ValidationError unless it is a function, and no generator function
 */
export function checkFunction(what: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidInput(what, `it must be a function, got ${describe(value)}`)
  const tag = fieldOf(value, Symbol.toStringTag)
  if (tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction')
    throw invalidInput(what, 'it must be a function, got a generator function')
}

/**
 * Checks the result of a caller's predicate.
 * @throws ValidationError unless it is a boolean. A promise is always truthy, so it is an error; its rejection is dropped.
 */
export function checkPredicate(what: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  if (answer instanceof Promise) answer.catch(() => {})
  const found = answer instanceof Promise ? 'a promise' : describe(answer)
  throw invalidInput(what, `it must return true or false, and returned ${found}`)
}

/** Returns a field of any value; undefined if the field is missing or unreadable. Never throws. */
export function fieldOf(value: unknown, name: string | symbol): unknown {
  try {
    return (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

/** Returns the kind of a value without its content. */
export const describe = (value: unknown): string => (typeof value === 'string' ? 'a string' : show(value))

type Fields = Readonly<Record<string, unknown>>

/** A list with holes may have 4 billion items, and a loop over it would block the process. */
const longestList = 1_000_000
/** No list that is stored has more items, since a value has at most 8 MiB. */
const longestValue = 4 * 1024 * 1024

/** @throws ValidationError for a list of more than `max` items */
function checkLength(what: string, value: unknown, max: number): void {
  if (Array.isArray(value) && value.length > max)
    throw invalidInput(what, `it has ${value.length} items, at most ${max}`)
}

/**
 * Returns the list with its holes as undefined, so that a check of each item rejects them: `map` skips holes.
 * @throws ValidationError unless it is a list of at most `max` items
 */
export function listOf<T>(what: string, value: readonly T[], max = longestList): readonly T[] {
  if (!readable(what, () => Array.isArray(value))) throw invalidInput(what, 'it is not a list')
  readable(what, () => checkLength(what, value, max))
  return readable(what, () => (value.includes(undefined as T) ? Array.from(value) : value))
}

/** The limit of file systems for a path. */
const maxPathLength = 4_096

/** @throws ValidationError unless it is a non-empty text that a file system accepts as a path */
export function checkPath(what: string, value: unknown): string {
  const isPath = typeof value === 'string' && value !== '' && value.length <= maxPathLength && !value.includes('\0')
  if (isPath) return value
  const found = typeof value === 'string' ? `a text of ${value.length} characters` : show(value)
  throw invalidInput(what, `it must be a path of 1 to ${maxPathLength} characters, got ${found}`)
}

/** Checks an object with fields named by the caller. @throws ValidationError unless it is a readable plain object */
export function objectOf<T>(what: string, value: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  if (!isPlainObject(value)) throw invalidInput(what, `it must be an object, got ${describe(value)}`)
  return readable(what, () => ({ ...value }))
}

/** @throws ValidationError unless it is a string */
export function checkText(what: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw invalidInput(`The argument of ${what}`, `it is ${show(value)} and not a text`)
}

/** Checks the options of a call whose only option is a signal. @throws ValidationError; CancelledError if it has aborted */
export function checkCall(what: string, options: { readonly signal?: AbortSignal }): void {
  checkOptions(what, options, ['signal'])
  checkSignal(what, options.signal)
}
