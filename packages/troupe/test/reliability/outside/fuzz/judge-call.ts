/** Judges what a call with a wrong argument was rejected with, and completes one that was not rejected. */
import { setTimeout as pause } from 'node:timers/promises'
import { catalogue } from '../../../../src/core/index.ts'
import { CallbackError, ReadError } from './bad-values.ts'
import type { LibraryUnderTest } from './library.ts'

/** The error with the two lines of the library that it comes from. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `no Error: ${typeof error}`
  const frames = (error.stack ?? '').split('\n').filter((line) => /(dist|src)\//.test(line))
  const at = frames.slice(0, 2).map((line) => line.replace(/^.*\/(dist|src)\//, '').replace(/\)$/, ''))
  return `${error.name}: ${error.message.slice(0, 160)} (${at.join(' < ')})`
}

const causeOf = (error: unknown): unknown => (error as { readonly cause?: unknown } | null)?.cause

/** What is wrong with what a call was rejected with. */
export function problemOf(library: Pick<LibraryUnderTest, 'TroupeError'>, error: unknown): string | undefined {
  if (error instanceof library.TroupeError) {
    if (!Object.hasOwn(catalogue, error.code)) return 'code outside the catalogue'
    if (/^(internal\.error|invariant\.broken)$/.test(error.code)) return `code ${error.code}`
    return /\[object |is not a function|Cannot read|not iterable/.test(error.message) ? 'unclear message' : undefined
  }
  // A class in place of a callback, which the platform refuses to call.
  if (error instanceof TypeError && /^Class constructor X cannot be invoked/.test(error.message)) return undefined
  // A callback of the caller threw, or the reason of an aborted signal: the caller's own.
  if (error instanceof CallbackError || causeOf(error) instanceof CallbackError || error === null) return undefined
  return error instanceof ReadError ? 'unread argument' : 'bare error'
}

/** Functions that return what they were given. */
const givesBack = /^(defineConfig|user\.cached|batches\.add)$/

/** Uses what a call returned until it could fail, and ends it. */
export async function complete(name: string, answer: unknown): Promise<void> {
  // What a function gives back as it came may be a proxy that throws.
  if (givesBack.test(name) && !(name === 'user.cached' || name === 'batches.add')) return
  const value = (answer instanceof Promise ? await answer : answer) as Record<PropertyKey, unknown> | null | undefined
  if (typeof value !== 'object' || value === null || givesBack.test(name)) return
  if (typeof value[Symbol.asyncIterator] === 'function') {
    const items = (value as unknown as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    const next = items.next()
    next.catch(() => {})
    await Promise.race([next, pause(30)])
    void items.return?.()?.catch(() => {})
  }
  const end = /^(createTroupe|openContext)$/.test(name) ? value.close : value.stop
  if (typeof end === 'function') await Promise.race([end.call(value), pause(500)])
}
