/** Detects a process in which others have replaced the globals of Node: a test environment that simulates a browser does. */
import util from 'node:util'
import { failure } from '../../core/index.ts'

/** @throws ProcessingError `runtime.globals` where the modules of Node would reject the signals and events of this process */
export function requireNodeGlobals(): void {
  // Bun and Deno may lack this function, whose result Node creates from its own class.
  const own: AbortController | undefined = util.transferableAbortController?.()
  if (own && !(own instanceof AbortController)) throw failure('runtime.globals', { name: 'AbortController' })
  if (own && !(own.signal instanceof EventTarget)) throw failure('runtime.globals', { name: 'EventTarget' })
}
