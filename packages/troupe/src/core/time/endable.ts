/**
 * Makes an iteration whose `return` also ends a pending `next`: the `return` of a generator waits until that `next` has
 * ended, which may be never.
 */

/**
 * Iterates over items that end when a signal aborts.
 * @param signal ends the iteration too
 * @param items is called at once; its signal aborts with that of the caller and at `return`
 */
export function endable<T>(
  signal: AbortSignal | undefined,
  items: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void> {
  const ending = new AbortController()
  const source = items(signal ? AbortSignal.any([signal, ending.signal]) : ending.signal)[Symbol.asyncIterator]()
  const done = { done: true, value: undefined } as const
  const end = async () => {
    ending.abort()
    await source.return?.()
    return done
  }
  return {
    async next() {
      try {
        return await source.next()
      } catch (error) {
        // The source rejects because it was ended.
        if (ending.signal.aborted) return done
        throw error
      }
    },
    return: end,
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}
