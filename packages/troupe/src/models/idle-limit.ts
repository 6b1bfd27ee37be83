/** Cuts a stream that stops sending: a connection that is open and says nothing holds nobody up. */
import { type Clock, duration, failure } from '../core/index.ts'

export interface IdleLimit {
  readonly clock: Clock
  /** ms without a piece; before the first one too. */
  readonly limitMs: number
  readonly model: string
  readonly signal: AbortSignal
}

/**
 * @param fn is given a signal that aborts at the limit and with the caller's own, and tells of each piece by `heard`
 * @throws ExternalServiceError `model.stalled`; what `fn` throws
 */
export function withIdleLimit<Out>(
  { clock, limitMs, model, signal }: IdleLimit,
  fn: (signal: AbortSignal, heard: () => void) => Promise<Out>,
): Promise<Out> {
  const controller = new AbortController()
  let last = clock.monotonic()
  let cancel = () => {}
  const stalled = new Promise<never>((_, reject) => {
    // One timer for the whole stream: it looks how long ago the last piece came, and waits for what is left.
    const look = () => {
      const left = last + limitMs - clock.monotonic()
      if (left > 0) {
        cancel = clock.after(left, look)
        return
      }
      const error = failure('model.stalled', { model, limit: duration(limitMs) })
      controller.abort(error)
      reject(error)
    }
    look()
  })
  const heard = () => {
    last = clock.monotonic()
  }
  const reading = fn(AbortSignal.any([signal, controller.signal]), heard)
  // Whichever loses has nobody to tell.
  reading.catch(() => {})
  return Promise.race([reading, stalled]).finally(() => cancel())
}
