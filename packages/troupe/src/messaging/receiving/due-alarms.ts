/**
 * Moves scheduled messages into their lanes when they are due, also without a receiver, so that later messages of their
 * sender come after them. Each receiver moves due messages too, so a lost alarm loses no message.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { Bind } from '../../storage/index.ts'
import type { Maintenance } from './maintenance.ts'

/** The maximal number of mailboxes with an alarm. */
const maxAlarms = 10_000
/** The delay in ms before a poll that failed or found no message is repeated. */
const recheckMs = 1_000

export interface DueAlarmsParts {
  readonly clock: Clock
  readonly maintenance: Pick<Maintenance, 'bringDue' | 'nextScheduled'>
}

export class DueAlarms {
  readonly #parts: DueAlarmsParts
  readonly #alarms = new Map<string, { readonly at: number; readonly cancel: Cancel }>()
  readonly #firing = new Set<Promise<void>>()
  #closed = false

  constructor(parts: DueAlarmsParts) {
    this.#parts = parts
  }

  /** @param availableAt of a message that was just sent */
  expect(user: string, mailbox: string, availableAt: Bind): void {
    if (availableAt === null || availableAt instanceof Uint8Array) return
    const { clock } = this.#parts
    const inMs = typeof availableAt === 'object' ? (availableAt.plusMs ?? 0) : Number(availableAt) - clock.now()
    this.#set(user, mailbox, inMs)
  }
  #set(user: string, mailbox: string, inMs: number): void {
    const { clock } = this.#parts
    const key = JSON.stringify([user, mailbox])
    const at = clock.monotonic() + inMs
    const earlier = this.#alarms.get(key)
    if (this.#closed || (earlier ? earlier.at <= at : this.#alarms.size >= maxAlarms)) return
    earlier?.cancel()
    const fire = () => {
      this.#alarms.delete(key)
      const fired = this.#fire(user, mailbox).catch(() => this.#set(user, mailbox, recheckMs))
      this.#firing.add(fired)
      void fired.then(() => this.#firing.delete(fired))
    }
    this.#alarms.set(key, { at, cancel: clock.after(inMs, fire, { background: true }) })
  }
  async #fire(user: string, mailbox: string): Promise<void> {
    const { clock, maintenance } = this.#parts
    for (let isRepeated = false; !this.#closed; ) {
      while (!this.#closed && (await maintenance.bringDue(user, mailbox)) > 0);
      const askedAt = clock.monotonic()
      const next = await maintenance.nextScheduled(user, mailbox)
      if (next === undefined) return
      // The wait counts from the question: the time until the answer is part of it.
      const inMs = next - (clock.monotonic() - askedAt)
      if (inMs > 0) return this.#set(user, mailbox, inMs)
      // A message that became due after the search is searched for at once; one that cannot be brought, later.
      if (next <= 0 && isRepeated) return this.#set(user, mailbox, recheckMs)
      isRepeated = next <= 0
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { cancel } of this.#alarms.values()) cancel()
    this.#alarms.clear()
    await Promise.all(this.#firing)
  }
}
