/**
 * Updates of the processes that share a storage. A process in which a user is watched asks for that user's updates every
 * 2 s. A process that was asked sends them for another 5 s. Messages may be lost: after a lost connection, and repeatedly
 * while processes cannot reach each other, the watcher gets `resync` instead.
 */
import { type Cancel, type Clock, isObject } from '../../core/index.ts'
import { type Broadcast, maxBroadcastBytes } from '../../storage/index.ts'
import { PendingUpdates } from './pending-updates.ts'
import { isUpdate, type ListUpdate } from './update.ts'

const askMs = 2_000
const answerMs = 5_000
/** The interval in ms of messages to other processes. */
const sendMs = 250
/** The interval in ms of `resync` if other processes cannot be reached. */
const resyncMs = 5_000
/** The highest number of users whose updates other processes requested. */
const maxAsked = 10_000

export interface SharedUpdatesHost {
  readonly clock: Clock
  readonly broadcast: Broadcast
  /** Calls the listener with each update of the user in this process. @returns a function that ends it */
  readonly listen: (user: string, listener: (update: ListUpdate) => void) => () => void
  readonly received: (user: string, update: ListUpdate | 'resync') => void
}

/** A user whose updates another process requested. */
interface Asked {
  until: number
  readonly pending: PendingUpdates
  readonly off: () => void
}

export class SharedUpdates {
  readonly #host: SharedUpdatesHost
  readonly #watched = new Map<string, { watchers: number; cancel: Cancel }>()
  readonly #asked = new Map<string, Asked>()
  readonly #off: () => void
  #timer: Cancel | undefined

  constructor(host: SharedUpdatesHost) {
    this.#host = host
    this.#off = host.broadcast.on((text) => this.#receive(text))
  }

  /** Asks for the updates of the user in other processes, until as many calls of `unwatch`. */
  watch(user: string): void {
    const known = this.#watched.get(user)
    if (known) {
      known.watchers++
      return
    }
    const watched = { watchers: 1, cancel: () => {} }
    this.#watched.set(user, watched)
    const { broadcast, clock, received } = this.#host
    const since = clock.monotonic()
    let wasConnected = true
    let lastResync = since
    const ask = () => {
      const isConnected = broadcast.line()?.connected === true
      const now = clock.monotonic()
      const isDeaf = !isConnected && now - lastResync >= resyncMs
      if (isDeaf || (isConnected && !wasConnected)) {
        lastResync = now
        received(user, 'resync')
      }
      wasConnected = isConnected
      broadcast.send(JSON.stringify(['updates.ask', user]))
      watched.cancel = clock.after(askMs, ask, { background: true })
    }
    ask()
  }

  unwatch(user: string): void {
    const watched = this.#watched.get(user)
    if (watched === undefined || --watched.watchers > 0) return
    watched.cancel()
    this.#watched.delete(user)
  }

  close(): void {
    this.#off()
    this.#timer?.()
    for (const { cancel } of this.#watched.values()) cancel()
    for (const { off } of this.#asked.values()) off()
  }

  #receive(text: string): void {
    const message = readMessage(text)
    if (message === undefined) return
    const [what, user, updates] = message
    if (what === 'updates.ask') this.#answer(user)
    else if (this.#watched.has(user))
      for (const update of updates === 'resync' ? ['resync' as const] : updates) this.#host.received(user, update)
  }

  #answer(user: string): void {
    const { clock, listen } = this.#host
    const until = clock.monotonic() + answerMs
    const known = this.#asked.get(user)
    if (known) {
      known.until = until
      return
    }
    if (this.#asked.size >= maxAsked) return
    const pending = new PendingUpdates()
    const off = listen(user, (update) => {
      pending.add(update)
      this.#timer ??= clock.after(sendMs, () => this.#send(), { background: true })
    })
    this.#asked.set(user, { until, pending, off })
    this.#timer ??= clock.after(sendMs, () => this.#send(), { background: true })
  }

  #send(): void {
    const { clock, broadcast } = this.#host
    this.#timer = undefined
    const now = clock.monotonic()
    for (const [user, { until, pending, off }] of this.#asked) {
      if (until < now) {
        off()
        this.#asked.delete(user)
      } else if (!pending.isEmpty) for (const text of messagesOf(user, pending)) broadcast.send(text)
    }
  }
}

/** Returns the updates that fit into one message, or a `resync` if there are more. */
function messagesOf(user: string, pending: PendingUpdates): readonly string[] {
  const updates = pending.take()
  const text = JSON.stringify(['updates', user, updates])
  if (updates === 'resync' || Buffer.byteLength(text) <= maxBroadcastBytes) return [text]
  return [JSON.stringify(['updates', user, 'resync'])]
}

type Message =
  | readonly ['updates.ask', string, undefined]
  | readonly ['updates', string, readonly ListUpdate[] | 'resync']

/** Unknown kinds of a newer release are ignored. */
function readMessage(text: string): Message | undefined {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(message) || typeof message[1] !== 'string') return undefined
  const [what, user, updates] = message as readonly unknown[] as readonly [unknown, string, unknown]
  if (what === 'updates.ask') return [what, user, undefined]
  if (what !== 'updates') return undefined
  if (updates === 'resync') return [what, user, updates]
  return Array.isArray(updates) ? [what, user, updates.filter((one) => isObject(one) && isUpdate(one))] : undefined
}
