/** Takes deliveries out of a mailbox: claims, waits until something may be claimed, checks what it hands out. */
import { checkOptions, failure, milliseconds, storeError, TroupeError } from '../core/index.ts'
import type { Row } from '../storage/index.ts'
import { Delivered, heldOf } from './delivered.ts'
import type { ReceiveOptions } from './mailbox-hands.ts'
import { toMessage } from './message-row.ts'
import { decodePayload, type MessageType } from './message-type.ts'
import type { Post } from './post.ts'
import type { Held } from './statements/settle-statements.ts'
import type { Upkeep } from './upkeep.ts'

export interface Wanted {
  readonly max: number
  /** Messages of one lane at most; `max` where absent. */
  readonly perLane?: number
  /** undefined: until something comes. */
  readonly waitMs: number | undefined
  /** Only these; none named is all. */
  readonly types: readonly (MessageType | string)[]
  /** None of these. */
  readonly except?: readonly string[]
  /** Definitions to check payloads by, besides those in `types`. */
  readonly known?: readonly MessageType[]
  readonly signal: AbortSignal | undefined
}

/** @throws ValidationError */
export function wantedOf(options: ReceiveOptions): Wanted {
  checkOptions('receive', options, ['max', 'wait', 'types', 'signal'])
  const max = options.max ?? 10
  if (!Number.isInteger(max) || max < 1 || max > 1_000)
    throw failure('validation.failed', {
      what: 'max',
      problem: `it is a whole number from 1 to 1,000, not ${String(max)}`,
    })
  const types = options.types ?? []
  return { max, waitMs: milliseconds(options.wait ?? '0ms', 'wait'), types, signal: options.signal }
}

const nameOf = (type: MessageType | string) => (typeof type === 'string' ? type : type.name)

export class Receiver {
  readonly #post: Post
  readonly #upkeep: Upkeep

  constructor(post: Post, upkeep: Upkeep) {
    this.#post = post
    this.#upkeep = upkeep
  }

  /** @returns up to `max`, in the order of their virtual deadlines; none when the time is over */
  async receive(user: string, mailbox: string, wanted: Wanted): Promise<readonly Delivered[]> {
    const until = wanted.waitMs === undefined ? undefined : this.#post.clock.monotonic() + wanted.waitMs
    for (;;) {
      const listening = this.#post.arrivals.listen(user, mailbox)
      try {
        if (wanted.signal?.aborted) await listening.wait(0, wanted.signal)
        const { deliveries, at } = await this.#claim(user, mailbox, wanted)
        if (deliveries.length > 0) return deliveries
        const left = until === undefined ? undefined : until - this.#post.clock.monotonic()
        if (left !== undefined && left <= 0) return []
        const next = await this.#next(user, mailbox, at)
        await listening.wait(
          left === undefined || next === undefined ? (next ?? left) : Math.min(left, next),
          wanted.signal,
        )
      } finally {
        listening.end()
      }
    }
  }

  async #next(user: string, mailbox: string, since: number): Promise<number | undefined> {
    const [row] = await this.#post.read(user, this.#post.claim.next(user, mailbox, since))
    return row === undefined || row.at === null ? undefined : Math.max(0, Number(row.at) - Number(row.now))
  }

  async #claim(
    user: string,
    mailbox: string,
    wanted: Wanted,
  ): Promise<{ deliveries: readonly Delivered[]; at: number }> {
    for (;;) {
      const token = this.#post.ids.next()
      const { max, perLane = max, except = [] } = wanted
      const claim = { user, mailbox, token, max, perLane, types: wanted.types.map(nameOf), except }
      const result = await this.#post.commit(user, this.#post.claim.claim(claim), null, [])
      if (!result.ok) throw failure('invariant.broken', { rule: 'a claim expects nothing' })
      const [overdue, , rows = []] = result.rows
      const overdueNow = Number(overdue?.[0]?.due) === 1
      const deliveries = await this.#deliver(rows, token, wanted)
      const kept = overdueNow ? await this.#upkeep.run(user, mailbox) : undefined
      if (deliveries.length > 0) return { deliveries, at: result.at }
      // Again only after progress: a guard that keeps failing must not make this a hot loop.
      const progress = rows.length > 0 || (kept !== undefined && kept.entered + kept.freed > 0)
      if (!progress) return { deliveries, at: result.at }
    }
  }

  async #deliver(rows: readonly Row[], token: string, wanted: Wanted): Promise<readonly Delivered[]> {
    const sorted = [...rows].sort((a, b) => Number(a.due) - Number(b.due) || Number(a.seq) - Number(b.seq))
    const held = heldOf(sorted, token)
    const lost = new Set<string>()
    const deliveries: Delivered[] = []
    for (const [i, row] of sorted.entries()) {
      const place = held[i] as Held
      if (lost.has(place.lane)) continue
      const delivered = await this.#decode(row, place, wanted)
      if (delivered) deliveries.push(delivered)
      else lost.add(place.lane)
    }
    for (const { message, attempt, held: place } of deliveries)
      this.#post.emit('message.received', place.user, {
        id: message.id,
        from: message.from,
        to: message.to,
        messageType: message.type,
        attempt,
      })
    return deliveries
  }

  /** What does not fit its type is a dead letter at once: trying it again would change nothing. */
  async #decode(row: Row, held: Held, wanted: Wanted): Promise<Delivered | undefined> {
    const definitions = [...wanted.types, ...(wanted.known ?? [])]
    const type = definitions.find((known): known is MessageType => typeof known !== 'string' && known.name === row.type)
    const version = Number(row.version)
    try {
      const payload = await decodePayload(type, version, String(row.payload))
      return new Delivered(this.#post, row, toMessage(row, payload, type?.version ?? version), held)
    } catch (error) {
      const reason = error instanceof TroupeError ? error.message : storeError(error).message
      await new Delivered(this.#post, row, toMessage(row, null), held).bury(reason).catch((lost: unknown) => {
        if (!(lost instanceof TroupeError && lost.code === 'lease.lost')) throw lost
      })
      return undefined
    }
  }
}
