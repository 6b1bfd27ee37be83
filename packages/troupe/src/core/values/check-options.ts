/** Options are known or refused: a misspelt one never passes silently. */
import { failure } from '../errors/failure.ts'
import { TroupeError } from '../errors/troupe-error.ts'
import { isPlainObject } from './is-object.ts'
import { nearest } from './nearest.ts'
import { show } from './show.ts'

/**
 * @param where names the place in the error, e.g. `push`
 * @throws ValidationError `option.unknown`, naming the nearest known option; `validation.failed` for what is no plain
 * object, or cannot be read
 */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (!isPlainObject(options))
    throw failure('validation.failed', { what: where, problem: `it must be an object with ${known.join(', ')}` })
  const names = readable(where, () => {
    // Reads each option, so that a getter that throws is reported as the option that it is of.
    for (const option in options) (options as Readonly<Record<string, unknown>>)[option]
    return Object.keys(options)
  })
  for (const option of names)
    if (!known.includes(option))
      throw failure('option.unknown', { where, option, nearest: nearest(option, known) ?? known.join(', ') })
}

/**
 * Reads what a caller passed: a getter or a proxy of it may throw.
 * @throws ValidationError `validation.failed`, with what it threw as the cause
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
 * What has not begun when its signal aborts never begins.
 * @param what names the call in the error, e.g. `orchestra.get`
 * @throws CancelledError when it has aborted; ValidationError for what is no signal
 */
export function checkSignal(what: string, signal: AbortSignal | undefined): void {
  checkSignalType(what, signal)
  if (signal?.aborted) throw failure('cancelled', { what }, { cause: signal.reason })
}

/** @throws ValidationError for what is no signal; one that has aborted is fine */
export function checkSignalType(what: string, signal: unknown): void {
  if (signal !== undefined && !readable(`The signal of ${what}`, () => signal instanceof AbortSignal))
    throw failure('validation.failed', { what: `The signal of ${what}`, problem: 'it is not an AbortSignal' })
}

/**
 * The signal of options that are checked in full later.
 * @throws ValidationError for options that are no plain object, or cannot be read
 */
export function signalOf(what: string, options: { readonly signal?: AbortSignal }): AbortSignal | undefined {
  if (isPlainObject(options)) return readable(what, () => options.signal)
  throw failure('validation.failed', { what: `The options of ${what}`, problem: `they must be an object` })
}

/** `true` or `false`, and nothing that only counts as such. */
export function checkFlag(what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw failure('validation.failed', { what, problem: 'it must be true or false' })
  return value
}

/** @throws ValidationError for what cannot be called */
export function checkFunction(what: string, value: unknown): void {
  if (typeof value !== 'function')
    throw failure('validation.failed', { what, problem: `it must be a function, got ${describe(value)}` })
}

/**
 * What a predicate of the caller's answers.
 * @throws ValidationError for anything but a boolean: a promise, which is always truthy, above all. What a refused promise
 * rejects with is dropped.
 */
export function checkPredicate(what: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  if (answer instanceof Promise) answer.catch(() => {})
  const found = answer instanceof Promise ? 'a promise' : describe(answer)
  throw failure('validation.failed', { what, problem: `it must give true or false, and gave ${found}` })
}

/** A field of whatever was passed; undefined where it has none, or the field cannot be read. Never throws. */
export function fieldOf(value: unknown, name: string | symbol): unknown {
  try {
    return (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

/** What a value is, without what a text may hold. */
export const describe = (value: unknown): string => (typeof value === 'string' ? 'a string' : show(value))

/** A list with holes may say that it has 4 billion items, and who goes through it holds the process up. */
const longestList = 1_000_000

/** @throws ValidationError for what is no list, or is longer than `max` */
export function listOf<T>(what: string, value: readonly T[], max = longestList): readonly T[] {
  if (!readable(what, () => Array.isArray(value)))
    throw failure('validation.failed', { what, problem: 'it is not a list' })
  const length = readable(what, () => value.length)
  if (length > max) throw failure('validation.failed', { what, problem: `it has ${length} items, at most ${max}` })
  return value
}

/** As the machine has it: longer ones no file system takes. */
const maxPathLength = 4_096

/** @throws ValidationError for what is no path: no text, an empty one, or one that no file system takes */
export function checkPath(what: string, value: unknown): string {
  const isPath = typeof value === 'string' && value !== '' && value.length <= maxPathLength && !value.includes('\0')
  if (isPath) return value
  const found = typeof value === 'string' ? `a text of ${value.length} characters` : show(value)
  throw failure('validation.failed', {
    what,
    problem: `it is ${found} and no path of 1 to ${maxPathLength} characters`,
  })
}

/** An object whose fields are named by the caller. @throws ValidationError for what is no plain object, or cannot be read */
export function objectOf<T>(what: string, value: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  if (!isPlainObject(value))
    throw failure('validation.failed', { what, problem: `it is ${describe(value)} and no object` })
  return readable(what, () => ({ ...value }))
}

/** @throws ValidationError for what is no text */
export function checkText(what: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw failure('validation.failed', { what: `What ${what} was given`, problem: `it is ${show(value)} and not a text` })
}

/** The options of a call that takes a signal alone. @throws ValidationError; CancelledError when it has aborted */
export function checkCall(what: string, options: { readonly signal?: AbortSignal }): void {
  checkOptions(what, options, ['signal'])
  checkSignal(what, options.signal)
}
