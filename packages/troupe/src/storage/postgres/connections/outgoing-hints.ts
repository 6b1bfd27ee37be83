/**
 * Collects the announcements of this process for a few milliseconds, and sends them in few payloads after the commit. A
 * failed payload is not sent again: the other processes find its hints by their poll.
 */
import type { Hint, InboxArrival } from '../../storage-port.ts'
import { pause } from './deadline.ts'
import { channelOf, chunksOf } from './read-payload.ts'

export interface OutgoingHintsOptions {
  readonly schema: string
  /** The name of this process, by which it ignores its own payloads. */
  readonly node: string
  readonly notify: (channel: string, payload: string) => Promise<void>
}

const gatherMs = 3
/** The maximum number of queued messages; listeners in other processes are slower than the sender. */
const maxQueuedMessages = 1_000

export class OutgoingHints {
  readonly #options: OutgoingHintsOptions
  /** The last hint of each user and queue. */
  readonly #hints = new Map<string, Hint>()
  #messages: string[] = []
  #arrivals: InboxArrival[] = []
  /** Whether a send gathers what is added now. */
  #isGathering = false
  /** The sends in progress: one that gathers, and earlier ones whose payloads have not all left. */
  readonly #sends = new Set<Promise<void>>()

  constructor(options: OutgoingHintsOptions) {
    this.#options = options
  }

  /** @param owner the name of this process in the rows of work; its own arrivals are not announced */
  add(hints: readonly Hint[], owner: string | undefined): void {
    for (const hint of hints) {
      if ('user' in hint) this.#hints.set(`u${hint.user}`, hint)
      else if ('work' in hint) this.#hints.set(`w${hint.work}`, hint)
      else if ('arrival' in hint && hint.arrival.owner !== owner) this.#arrivals.push(hint.arrival)
    }
    if (this.#hints.size > 0 || this.#arrivals.length > 0) this.#gather()
  }

  addMessage(message: string): void {
    if (this.#messages.push(message) > maxQueuedMessages) this.#messages.shift()
    this.#gather()
  }

  /** Resolves when all collected hints are sent. */
  async flush(): Promise<void> {
    await Promise.all(this.#sends)
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    const send = this.#send().finally(() => this.#sends.delete(send))
    this.#sends.add(send)
  }

  async #send(): Promise<void> {
    const { schema, node, notify } = this.#options
    await pause(gatherMs)
    const hints = chunksOf([...this.#hints.values()])
    const messages = chunksOf(this.#messages)
    const byOwner = Map.groupBy(this.#arrivals, ({ owner }) => owner)
    this.#hints.clear()
    this.#messages = []
    this.#arrivals = []
    this.#isGathering = false
    const payloads = [
      ...hints.map((chunk) => JSON.stringify([node, chunk])),
      ...messages.map((chunk) => JSON.stringify([node, [], chunk])),
    ]
    for (const payload of payloads) await notify(channelOf(schema, ''), payload).catch(() => {})
    for (const [owner, arrivals] of byOwner)
      for (const chunk of chunksOf(arrivals.map((arrival): Hint => ({ arrival }))))
        await notify(channelOf(schema, owner), JSON.stringify([node, chunk])).catch(() => {})
  }
}
