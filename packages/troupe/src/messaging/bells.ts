/**
 * Wake-ups inside one process. Whoever waits listens first, then looks, then waits: what is rung in between is not lost.
 * Losing a ring elsewhere loses nothing either, for every wait also has a moment at which it looks again.
 */
import { type Clock, failure } from '../core/index.ts'

export interface Listening {
  /** Until it rings, or for so many ms. @throws CancelledError when the signal aborts or the room closes */
  wait(ms: number | undefined, signal?: AbortSignal): Promise<void>
  end(): void
}

class Ear implements Listening {
  readonly #clock: Clock
  readonly #leave: () => void
  #rung: 'no' | 'yes' | 'closed' = 'no'
  #wake: (() => void) | undefined

  constructor(clock: Clock, leave: () => void) {
    this.#clock = clock
    this.#leave = leave
  }
  ring(how: 'yes' | 'closed'): void {
    this.#rung = how
    this.#wake?.()
  }
  end(): void {
    this.#leave()
  }
  async wait(ms: number | undefined, signal?: AbortSignal): Promise<void> {
    // A moment that is over already needs no timer, which a clock that stands would never run.
    if (this.#rung === 'no' && !signal?.aborted && !(ms !== undefined && ms <= 0))
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
    if (signal?.aborted) throw failure('cancelled', { what: 'Waiting for messages' }, { cause: signal.reason })
    if (this.#rung === 'closed') throw failure('troupe.closed', { what: 'Waiting for messages' })
    this.#rung = 'no'
  }
}

interface Bell {
  readonly user: string
  readonly name: string
  readonly ears: Set<Ear>
}

export class Bells {
  readonly #clock: Clock
  readonly #bells = new Map<string, Bell>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }
  listen(user: string, name: string): Listening {
    if (this.#closed) throw failure('troupe.closed', { what: 'Waiting for messages' })
    const key = keyOf(user, name)
    const bell = this.#bells.get(key) ?? { user, name, ears: new Set() }
    this.#bells.set(key, bell)
    const ear = new Ear(this.#clock, () => {
      bell.ears.delete(ear)
      if (bell.ears.size === 0) this.#bells.delete(key)
    })
    bell.ears.add(ear)
    return ear
  }
  ring(user: string, name: string): void {
    for (const ear of this.#bells.get(keyOf(user, name))?.ears ?? []) ear.ring('yes')
  }
  /** Those somebody listens for. */
  list(): readonly { readonly user: string; readonly name: string }[] {
    return [...this.#bells.values()]
  }
  ringAll(): void {
    for (const bell of this.#bells.values()) for (const ear of bell.ears) ear.ring('yes')
  }
  close(): void {
    this.#closed = true
    for (const bell of this.#bells.values()) for (const ear of bell.ears) ear.ring('closed')
  }
}

const keyOf = (user: string, name: string) => `${user.length}:${user}${name}`
