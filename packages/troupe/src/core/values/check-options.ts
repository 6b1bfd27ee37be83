/** Options are known or refused: a misspelt one never passes silently. */
import { failure } from '../errors/failure.ts'
import { isObject } from './is-object.ts'
import { nearest } from './nearest.ts'

/**
 * @param where names the place in the error, e.g. `push`
 * @throws ValidationError `option.unknown`, naming the nearest known option; `validation.failed` for what is no object
 */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (!isObject(options))
    throw failure('validation.failed', { what: where, problem: `it must be an object with ${known.join(', ')}` })
  for (const option of Object.keys(options))
    if (!known.includes(option))
      throw failure('option.unknown', { where, option, nearest: nearest(option, known) ?? known.join(', ') })
}

/**
 * What has not begun when its signal aborts never begins.
 * @param what names the call in the error, e.g. `orchestra.get`
 * @throws CancelledError when it has aborted; ValidationError for what is no signal
 */
export function checkSignal(what: string, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  if (!(signal instanceof AbortSignal))
    throw failure('validation.failed', { what: `The signal of ${what}`, problem: 'it is no AbortSignal' })
  if (signal.aborted) throw failure('cancelled', { what }, { cause: signal.reason })
}

/** `true` or `false`, and nothing that only counts as such. */
export function checkFlag(what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw failure('validation.failed', { what, problem: 'it must be true or false' })
  return value
}

/** @throws ValidationError for what cannot be called */
export function checkFunction(what: string, value: unknown): void {
  if (typeof value !== 'function') throw failure('validation.failed', { what, problem: 'it is no function' })
}

/** @throws ValidationError for what is no list */
export function listOf<T>(what: string, value: readonly T[]): readonly T[] {
  if (Array.isArray(value)) return value
  throw failure('validation.failed', { what, problem: 'it is no list' })
}

/** @throws ValidationError for what is no text */
export function checkText(what: string, value: unknown): string {
  if (typeof value === 'string') return value
  const found = value === null || value === undefined ? String(value) : `a ${typeof value}`
  throw failure('validation.failed', { what: `What ${what} was given`, problem: `it is ${found} and not a text` })
}

/** The options of a call that takes a signal alone. @throws ValidationError; CancelledError when it has aborted */
export function checkCall(what: string, options: { readonly signal?: AbortSignal }): void {
  checkOptions(what, options, ['signal'])
  checkSignal(what, options.signal)
}
