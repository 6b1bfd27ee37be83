/**
 * Brings scheduled messages into their lanes when they are due although nobody receives then, so that what their sender
 * sends afterwards stands behind them. Whoever receives brings them too: an alarm that is lost loses no message.
 */
import type { Cancel, Clock } from '../core/index.ts'
import type { Bind } from '../storage/index.ts'
import type { Upkeep } from './upkeep.ts'

/** Mailboxes that have one. */
const most = 10_000
/** Before a look that found nothing to bring, or failed, is repeated. */
const againMs = 1_000

export interface DueAlarmsParts {
  readonly clock: Clock
  readonly upkeep: Pick<Upkeep, 'bringDue' | 'nextScheduled'>
}

export class DueAlarms {
  readonly #parts: DueAlarmsParts
  readonly #alarms = new Map<string, { readonly at: number; readonly cancel: Cancel }>()
  readonly #ringing = new Set<Promise<void>>()
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
    if (this.#closed || (earlier ? earlier.at <= at : this.#alarms.size >= most)) return
    earlier?.cancel()
    const ring = () => {
      this.#alarms.delete(key)
      const rung = this.#ring(user, mailbox).catch(() => this.#set(user, mailbox, againMs))
      this.#ringing.add(rung)
      void rung.then(() => this.#ringing.delete(rung))
    }
    this.#alarms.set(key, { at, cancel: clock.after(inMs, ring, { background: true }) })
  }
  async #ring(user: string, mailbox: string): Promise<void> {
    const { upkeep } = this.#parts
    while (!this.#closed && (await upkeep.bringDue(user, mailbox)) > 0);
    const next = await upkeep.nextScheduled(user, mailbox)
    if (next !== undefined) this.#set(user, mailbox, next > 0 ? next : againMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { cancel } of this.#alarms.values()) cancel()
    this.#alarms.clear()
    await Promise.all(this.#ringing)
  }
}
