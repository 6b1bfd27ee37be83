/**
 * Gathers what this process reports to the others for a few milliseconds, and sends it in few payloads, after the commit.
 * A payload that fails is not sent again: the other processes find what it says by their poll.
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
/** Of other processes' listeners, which are slower than whoever sends. */
const maxQueuedMessages = 1_000

export class OutgoingHints {
  readonly #options: OutgoingHintsOptions
  /** The last hint of each user and queue. */
  readonly #hints = new Map<string, Hint>()
  #messages: string[] = []
  #arrivals: InboxArrival[] = []
  #sending: Promise<void> | undefined

  constructor(options: OutgoingHintsOptions) {
    this.#options = options
  }

  /** @param owner this process as rows of work name it: an arrival for it came with the commit */
  add(hints: readonly Hint[], owner: string | undefined): void {
    for (const hint of hints) {
      if (!('arrival' in hint)) this.#hints.set('user' in hint ? `u${hint.user}` : `w${hint.work}`, hint)
      else if (hint.arrival.owner !== owner) this.#arrivals.push(hint.arrival)
    }
    if (this.#hints.size > 0 || this.#arrivals.length > 0) this.#sending ??= this.#send()
  }

  addMessage(message: string): void {
    if (this.#messages.push(message) > maxQueuedMessages) this.#messages.shift()
    this.#sending ??= this.#send()
  }

  /** Resolves when what was gathered has been sent. */
  async flush(): Promise<void> {
    await this.#sending
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
    this.#sending = undefined
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
