/**
 * Failed results that nobody reads: a host that ignores `success: false` loses work without a word. A failed result tells
 * when any of its fields is read; one that is not read in time, or by the end, is reported once. Bounded.
 */
import { inspect } from 'node:util'
import type { Cancel, Clock, Events, UserId } from '../../core/index.ts'
import type { JsonObject } from './tool-spec.ts'

/** A caller that keeps results to look at them later has so long. */
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
  /** What reports each of those that wait, the oldest first. */
  readonly #waiting = new Set<() => void>()

  constructor(parts: { readonly clock: Clock; readonly events: Events }) {
    this.#clock = parts.clock
    this.#events = parts.events
  }

  /** @returns the same result, in the eyes of whoever reads, prints, copies or serialises it */
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

  /** Nobody will read any more. */
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
  // Printed as what it is, not as its getters.
  Object.defineProperty(tracked, inspect.custom, {
    value() {
      read()
      return { ...result }
    },
  })
  return tracked as R
}
