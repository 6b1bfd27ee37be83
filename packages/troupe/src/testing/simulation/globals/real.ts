/**
 * The clock and the event loop of the real machine, read before they are replaced, for the code that drives a
 * simulation.
 */
const immediate = globalThis.setImmediate
const timeout = globalThis.setTimeout
const clear = globalThis.clearTimeout
const now = performance.now.bind(performance)

export const real = {
  /** ms. */
  now,
  /** After the microtasks and ticks of what ran last. */
  turn: (run: () => void): void => void immediate(run),
  /** Returns a function that prevents the call. */
  after: (ms: number, run: () => void): (() => void) => {
    const timer = timeout(run, ms)
    return () => clear(timer)
  },
  pause: (ms: number): Promise<void> => new Promise((resolve) => void timeout(resolve, ms)),
}
