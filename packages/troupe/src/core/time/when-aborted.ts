/**
 * Calls a function when a signal aborts, at once if it has aborted.
 * @param signal undefined is never aborted
 * @returns a function that prevents a later call
 */
export function whenAborted(signal: AbortSignal | undefined, onAbort: () => void): () => void {
  if (signal?.aborted) onAbort()
  if (!signal || signal.aborted) return () => {}
  const listener = () => onAbort()
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
