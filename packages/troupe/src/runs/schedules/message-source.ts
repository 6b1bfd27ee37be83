/**
 * Messages as triggers: a schedule receives from its mailbox, stores the message as a trigger with its id, and then
 * acknowledges it. A message that is delivered twice is the same trigger with the same run.
 */
import { TroupeError, taintField, type UserId, userKey, whenAborted } from '../../core/index.ts'
import type { Delivery } from '../../messaging/index.ts'
import { commit } from './begin-run.ts'
import type { ScheduleTrigger } from './schedule-code.ts'
import { maxPendingTriggers, type ScheduleParts } from './schedule-parts.ts'
import { isMoved } from './serve-schedule.ts'

interface ScheduleTarget {
  readonly user: UserId
  readonly schedule: string
}
interface Receiving {
  readonly stop: AbortController
  readonly done: Promise<void>
}

const batchSize = 10
const pauseMs = 1_000

export class MessageSource {
  readonly #parts: ScheduleParts
  readonly #nudge: (user: UserId, id: string) => void
  readonly #receiving = new Map<string, Receiving>()
  #closed = false

  constructor(parts: ScheduleParts, nudge: (user: UserId, id: string) => void) {
    this.#parts = parts
    this.#nudge = nudge
  }

  /**
   * Resolves when the schedules that no longer receive have stored their leased messages.
   * @param targets all schedules that receive from now on
   */
  async follow(targets: readonly ScheduleTarget[]): Promise<void> {
    if (this.#closed) return
    const wanted = new Map(targets.map((target) => [userKey(target.user, target.schedule), target]))
    const ended = [...this.#receiving].filter(([key]) => !wanted.has(key)).map(([, each]) => each)
    this.#begin(wanted)
    await this.#end(ended)
  }

  #begin(wanted: ReadonlyMap<string, ScheduleTarget>): void {
    for (const [key, target] of wanted) {
      if (this.#receiving.get(key)?.stop.signal.aborted === false) continue
      const stop = new AbortController()
      const receiving = { stop, done: this.#receive(target, stop.signal).finally(() => this.#ended(key, receiving)) }
      this.#receiving.set(key, receiving)
    }
  }

  async forget(user: UserId): Promise<void> {
    const prefix = userKey(user, '')
    await this.#end([...this.#receiving].filter(([key]) => key.startsWith(prefix)).map(([, each]) => each))
  }

  async stop(): Promise<void> {
    this.#closed = true
    await this.#end([...this.#receiving.values()])
  }

  #ended(key: string, receiving: Receiving): void {
    if (this.#receiving.get(key) === receiving) this.#receiving.delete(key)
  }

  async #end(receiving: readonly Receiving[]): Promise<void> {
    for (const { stop } of receiving) stop.abort()
    await Promise.all(receiving.map(({ done }) => done))
  }

  /** Never rejects; failures are retried after a delay. */
  async #receive({ user, schedule }: ScheduleTarget, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const row = await this.#parts.stores.store.get(user, schedule)
        const wanted = row?.state === 'active' ? row.spec.onMessage : undefined
        if (!row || !wanted) return
        if (row.waiting >= maxPendingTriggers) await this.#pause(signal)
        else {
          const mailbox = this.#parts.sources.mailbox(user, wanted.to)
          const max = Math.min(batchSize, maxPendingTriggers - row.waiting)
          for (const delivery of await mailbox.receive({ max, wait: '5m', types: [wanted.type], signal }))
            await this.#addTrigger(user, schedule, delivery)
        }
      } catch (error) {
        if (!signal.aborted && !(error instanceof TroupeError && error.code === 'lease.lost')) await this.#pause(signal)
      }
    }
  }

  async #addTrigger(user: UserId, schedule: string, delivery: Delivery): Promise<void> {
    const { store } = this.#parts.stores
    const { clock } = this.#parts.platform
    const { id, from, type, payload, taint } = delivery.message
    const body: ScheduleTrigger = { type: 'message', id, from, name: type, payload, ...taintField(taint) }
    const trigger = { trigger: id, at: clock.now(), body: JSON.stringify(body) }
    for (;;) {
      const row = await store.get(user, schedule)
      if (row?.state !== 'active') return delivery.nack()
      try {
        await commit(this.#parts, user, [
          store.turn(user, row, {}),
          store.addTrigger(user, row, trigger),
          store.scheduleAt(user, schedule, { $: 'now' }),
        ])
        break
      } catch (error) {
        if (!isMoved(error)) throw error
      }
    }
    await delivery.ack()
    this.#nudge(user, schedule)
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>()
    const cancel = this.#parts.platform.clock.after(pauseMs, over.resolve, { background: true })
    const stopWatching = whenAborted(signal, over.resolve)
    await over.promise
    cancel()
    stopWatching()
  }
}
