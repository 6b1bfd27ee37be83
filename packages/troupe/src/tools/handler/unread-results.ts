/**
 * Reports failed results that the application does not read, because an ignored `success: false` loses work silently. A
 * failed result notices the first read of one of its fields. A result that is not read in time, or at the close, is
 * reported once. The number of watched results is bounded.
 */
import { inspect } from 'node:util'
import type { Cancel, Clock, Events, UserId } from '../../core/index.ts'
import type { JsonObject } from './tool-spec.ts'

/** The time in ms in which a caller can read a result before it is reported. */
const reportDelayMs = 10_000
const maxWaiting = 1_000

export interface FailedCall {
  readonly userId: UserId
  readonly agent: string
  readonly tool: string
  readonly code: string
}

export class UnreadResults {
  readonly #clock: Clock
  readonly #events: Events
  /** The functions that report the unread results, the oldest first. */
  readonly #waiting = new Set<() => void>()

  constructor(parts: { readonly clock: Clock; readonly events: Events }) {
    this.#clock = parts.clock
    this.#events = parts.events
  }

  /** @returns an object that reads, prints, copies and serialises like the result */
  watch<R extends JsonObject>(result: R, call: FailedCall): R {
    let cancel: Cancel = () => {}
    const report = () => {
      cancel()
      if (this.#waiting.delete(report)) this.#events.emit({ type: 'tool.ignored', at: this.#clock.now(), ...call })
    }
    const read = () => {
      cancel()
      this.#waiting.delete(report)
    }
    if (this.#waiting.size >= maxWaiting) [...this.#waiting.values().take(1)][0]?.()
    this.#waiting.add(report)
    cancel = this.#clock.after(reportDelayMs, report, { background: true })
    return trackReads(result, read)
  }

  /** Reports all unread results, at the close of the troupe. */
  flush(): void {
    for (const report of this.#waiting) report()
  }
}

function trackReads<R extends JsonObject>(result: R, read: () => void): R {
  const tracked = {}
  for (const [field, value] of Object.entries(result))
    Object.defineProperty(tracked, field, {
      enumerable: true,
      get() {
        read()
        return value
      },
    })
  // `inspect` shows the values and not the getters.
  Object.defineProperty(tracked, inspect.custom, {
    value() {
      read()
      return { ...result }
    },
  })
  return tracked as R
}
