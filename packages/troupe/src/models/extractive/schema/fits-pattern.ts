/**
 * Tries a pattern of a tool's schema, which a server of tools may have written. Its author decides how long it takes, and
 * this runs on the main thread: V8 is told to stop after a few milliseconds, and a pattern that was stopped fits nothing. After so
 * many of them within a minute no other pattern is tried, so that a schema of many patterns takes no longer than these.
 */

import { createContext, Script } from 'node:vm'
import { LRUCache } from 'lru-cache'

const timeoutMs = 20
const maxStopped = 50
const stoppedMs = 60_000
const maxLength = 10_000

const tried: { pattern: string; text: string } = { pattern: '', text: '' }
const scope = createContext(tried)
const script = new Script('new RegExp(pattern, "u").test(text)')
/** Patterns that were stopped once: the next text would cost as much. */
const stopped = new LRUCache<string, true>({ max: maxStopped, ttl: stoppedMs })

/** @returns false also for what is no pattern, for a text of more than 10,000 characters, and while too many were stopped */
export function fitsPattern(pattern: string, text: string): boolean {
  if (text.length > maxLength || pattern.length > maxLength || stopped.has(pattern)) return false
  stopped.purgeStale()
  if (stopped.size === maxStopped) return false
  tried.pattern = pattern
  tried.text = text
  try {
    return script.runInContext(scope, { timeout: timeoutMs }) === true
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') stopped.set(pattern, true)
    return false
  }
}
