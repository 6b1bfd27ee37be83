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
 * @param fn is given a signal that aborts at the limit and with the caller's own, and tells of each piece by `onActivity`
 * @throws ExternalServiceError `model.stalled`; what `fn` throws
 */
export function withIdleLimit<Out>(
  { clock, limitMs, model, signal }: IdleLimit,
  fn: (signal: AbortSignal, onActivity: () => void) => Promise<Out>,
): Promise<Out> {
  const controller = new AbortController()
  let last = clock.monotonic()
  let cancel = () => {}
  const stalled = new Promise<never>((_, reject) => {
    // One timer for the whole stream: it looks how long ago the last piece came, and waits for what is left.
    const check = () => {
      const left = last + limitMs - clock.monotonic()
      if (left > 0) {
        cancel = clock.after(left, check)
        return
      }
      const error = failure('model.stalled', { model, limit: duration(limitMs) })
      controller.abort(error)
      reject(error)
    }
    check()
  })
  const onActivity = () => {
    last = clock.monotonic()
  }
  const reading = fn(AbortSignal.any([signal, controller.signal]), onActivity)
  // Whichever loses has nobody to tell.
  reading.catch(() => {})
  return Promise.race([reading, stalled]).finally(() => cancel())
}
