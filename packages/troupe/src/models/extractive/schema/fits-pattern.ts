/**
 * Tries a pattern of a tool's schema, which a server of tools may have written. Its author decides how long it takes, and
 * this runs on the main thread: V8 is told to stop after a few milliseconds, and a pattern that was stopped fits nothing.
 */

import { createContext, Script } from 'node:vm'
import { LRUCache } from 'lru-cache'

const timeoutMs = 20
const maxStopped = 1_000
const maxLength = 10_000

const tried: { pattern: string; text: string } = { pattern: '', text: '' }
const scope = createContext(tried)
const script = new Script('new RegExp(pattern, "u").test(text)')
/** Patterns that were stopped once: the next text would cost as much. */
const stopped = new LRUCache<string, true>({ max: maxStopped })

/** @returns false also for what is no pattern, and for a text of more than 10,000 characters */
export function fitsPattern(pattern: string, text: string): boolean {
  if (text.length > maxLength || pattern.length > maxLength || stopped.has(pattern)) return false
  tried.pattern = pattern
  tried.text = text
  try {
    return script.runInContext(scope, { timeout: timeoutMs }) === true
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') stopped.set(pattern, true)
    return false
  }
}
