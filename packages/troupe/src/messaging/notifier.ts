/**
 * Notifications inside one process. Subscribe, then check, then wait, so that a notification sent in between is not
 * lost. A lost notification of another process loses nothing either, because each wait has a time at which it checks
 * again.
 */
import { type Clock, failure, userKey } from '../core/index.ts'

export interface Listening {
  /**
   * Waits for a notification, at most this number of ms.
   * @throws CancelledError when the signal aborts or the troupe closes
   */
  wait(ms: number | undefined, signal?: AbortSignal): Promise<void>
  end(): void
}

class Listener implements Listening {
  readonly #clock: Clock
  readonly #what: string
  readonly #leave: () => void
  #notified: 'no' | 'yes' | 'closed' = 'no'
  #wake: (() => void) | undefined

  constructor(clock: Clock, what: string, leave: () => void) {
    this.#clock = clock
    this.#what = what
    this.#leave = leave
  }
  notify(how: 'yes' | 'closed'): void {
    this.#notified = how
    this.#wake?.()
  }
  end(): void {
    this.#leave()
  }
  async wait(ms: number | undefined, signal?: AbortSignal): Promise<void> {
    // A time that has passed needs no timer, which a stopped virtual clock would never run.
    if (this.#notified === 'no' && !signal?.aborted && !(ms !== undefined && ms <= 0))
      await new Promise<void>((resolve) => {
        const cancel = ms === undefined ? undefined : this.#clock.after(ms, () => this.#wake?.())
        const abort = () => this.#wake?.()
        signal?.addEventListener('abort', abort, { once: true })
        this.#wake = () => {
          this.#wake = undefined
          cancel?.()
          signal?.removeEventListener('abort', abort)
          resolve()
        }
      })
    if (signal?.aborted) throw failure('cancelled', { what: this.#what }, { cause: signal.reason })
    if (this.#notified === 'closed') throw failure('troupe.closed', { what: this.#what })
    this.#notified = 'no'
  }
}

interface Channel {
  readonly user: string
  readonly name: string
  readonly listeners: Set<Listener>
}

export class Notifier {
  readonly #clock: Clock
  readonly #what: string
  readonly #channels = new Map<string, Channel>()
  #closed = false

  /** @param what the call that waits, for errors */
  constructor(clock: Clock, what: string) {
    this.#clock = clock
    this.#what = what
  }
  listen(user: string, name: string): Listening {
    if (this.#closed) throw failure('troupe.closed', { what: this.#what })
    const key = userKey(user, name)
    const channel = this.#channels.get(key) ?? { user, name, listeners: new Set() }
    this.#channels.set(key, channel)
    const listener = new Listener(this.#clock, this.#what, () => {
      channel.listeners.delete(listener)
      if (channel.listeners.size === 0) this.#channels.delete(key)
    })
    channel.listeners.add(listener)
    return listener
  }
  notify(user: string, name: string): void {
    for (const listener of this.#channels.get(userKey(user, name))?.listeners ?? []) listener.notify('yes')
  }
  /** Returns the channels that have listeners. */
  list(): readonly { readonly user: string; readonly name: string }[] {
    return [...this.#channels.values()]
  }
  notifyAll(): void {
    for (const channel of this.#channels.values()) for (const listener of channel.listeners) listener.notify('yes')
  }
  close(): void {
    this.#closed = true
    for (const channel of this.#channels.values()) for (const listener of channel.listeners) listener.notify('closed')
  }
}
