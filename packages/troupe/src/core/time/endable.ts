/**
 * Makes generators whose `return` also ends a pending `next`: by itself it waits until that `next` has ended, which may be
 * never.
 */

/**
 * Returns a generator that ends when a signal aborts.
 * @param signal ends the iteration too
 * @param items is called at once; its signal aborts with that of the caller and at `return`
 */
export function endable<T>(
  signal: AbortSignal | undefined,
  items: (signal: AbortSignal) => AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  const ending = new AbortController()
  const source = items(signal ? AbortSignal.any([signal, ending.signal]) : ending.signal)
  const { next, return: end } = source
  return Object.assign(source, {
    next: () =>
      next.call(source).catch((error: unknown) => {
        // The source rejects because it was ended.
        if (ending.signal.aborted) return end.call(source)
        throw error
      }),
    return() {
      ending.abort()
      return end.call(source)
    },
  })
}
