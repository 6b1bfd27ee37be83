/**
 * `support.messages.batched()`: collects sends. A batch is sent when it is full, when its time is over, or at once with an urgent
 * message. Each send resolves when its own message is durable, and fails alone. Collected messages are only in memory and not
 * accepted yet.
 */
import { type Cancel, type Clock, checkOptions, failure, invalidInput, milliseconds, show } from '../../core/index.ts'
import type { Priority } from '../message.ts'
import type { BatchSendOptions } from '../message-client.ts'
import { isPriority } from '../receiving/message-row.ts'
import { rankOf } from '../statements/list-statements.ts'
import type { OutgoingMessage } from '../statements/send-statements.ts'
import type { OutboundQueue, SendReceipt } from './outbound-queue.ts'

/** A collected message and its promise. */
export interface EnqueueRequest {
  readonly lane: string
  readonly priority: Priority
  readonly prepared: Promise<OutgoingMessage>
  readonly signal: AbortSignal | undefined
}
export type Enqueue = (request: EnqueueRequest) => Promise<SendReceipt>

/** The highest number of open sends of one handle; a faster sender gets an error. */
const maxPendingSends = 10_000

export interface BatchedMessagesParts {
  readonly clock: Clock
  readonly outboundQueue: Pick<OutboundQueue, 'send'>
  /** The handles with collected messages, which are sent when the troupe closes. */
  readonly open: Set<BatchedMessages>
}

export class BatchedMessages {
  readonly #parts: BatchedMessagesParts
  readonly #size: number
  readonly #waitMs: number
  readonly #flushOn: Priority | 'never'
  readonly #inFlight = new Set<Promise<unknown>>()
  #waiting: (() => void)[] = []
  #stopTimer: Cancel | undefined
  #closed = false

  /** @throws ValidationError */
  constructor(parts: BatchedMessagesParts, options: BatchSendOptions) {
    checkOptions('batched', options, ['size', 'wait', 'flushOn'])
    const { size = 10, wait = '5s', flushOn = 'urgent' } = options
    if (!Number.isInteger(size) || size < 1 || size > 1_000)
      throw invalidInput('size', `it must be a whole number from 1 to 1,000, got ${show(size)}`)
    if (flushOn !== 'never' && !isPriority(flushOn))
      throw invalidInput('flushOn', `it must be a priority or never, got ${show(flushOn)}`)
    this.#parts = parts
    this.#size = size
    this.#waitMs = milliseconds(wait, 'wait')
    this.#flushOn = flushOn
  }

  readonly enqueue: Enqueue = ({ lane, priority, prepared, signal }) => {
    if (this.#closed) throw invalidInput('Sending by this batch', 'it is closed')
    if (this.#inFlight.size >= maxPendingSends) throw failure('batch.unresolved', { limit: maxPendingSends })
    const sent = new Promise<SendReceipt>((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener('abort', aborted)
        resolve(this.#parts.outboundQueue.send(lane, prepared, { signal }))
      }
      const leave = (error: unknown) => {
        const at = this.#waiting.indexOf(begin)
        if (at >= 0) this.#waiting.splice(at, 1)
        signal?.removeEventListener('abort', aborted)
        reject(error)
      }
      const aborted = () => leave(failure('cancelled', { what: 'Sending' }, { cause: signal?.reason }))
      signal?.addEventListener('abort', aborted, { once: true })
      // An invalid message is rejected at once.
      prepared.catch(leave)
      this.#waiting.push(begin)
      if (signal?.aborted) aborted()
    })
    const sentOrFailed = sent.then(
      () => {},
      () => {},
    )
    this.#inFlight.add(sentOrFailed)
    void sentOrFailed.then(() => {
      this.#inFlight.delete(sentOrFailed)
      if (this.#waiting.length + this.#inFlight.size === 0) this.#parts.open.delete(this)
    })
    this.#parts.open.add(this)
    const urgent = this.#flushOn !== 'never' && rankOf(priority) <= rankOf(this.#flushOn)
    if (urgent || this.#waiting.length >= this.#size) this.#begin()
    else this.#stopTimer ??= this.#parts.clock.after(this.#waitMs, () => this.#begin())
    return sent
  }

  /** Sends in the order of the calls; the mailbox orders priorities. */
  #begin(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    for (const begin of this.#waiting.splice(0)) begin()
  }

  /** Sends the collected messages. Resolves when all have ended; a failure rejects only the promise of its own call. */
  async flush(): Promise<void> {
    this.#begin()
    await Promise.all(this.#inFlight)
  }
  close(): Promise<void> {
    this.#closed = true
    return this.flush()
  }
}
