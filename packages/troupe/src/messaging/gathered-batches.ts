/**
 * What a batch handler gets next: first what is left of a batch that broke off, then what is full or has waited long enough.
 * A batch that is still whole is gone on with as it was, in its own step, so that its recorded effects are not done again;
 * of one that is not, and of what was tried before, each message is handled alone.
 */
import type { Row } from '../storage/index.ts'
import { type BatchPlace, batchOf } from './batch-place.ts'
import type { Delivered } from './delivered.ts'
import { handledStep } from './handled-step.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { MessageType } from './message-type.ts'

export interface GatheredParts {
  readonly user: string
  readonly agent: string
  readonly mailboxes: Pick<Mailboxes, 'post' | 'receiver'>
  readonly type: MessageType
  /** Registered types that extend it. */
  readonly nearer: readonly string[]
  readonly size: number
  readonly waitMs: number
  /** The most that the worker makes of a message. */
  readonly attempts: number
  readonly signal: AbortSignal
}

type Jobs = readonly (readonly Delivered[])[]

/** After a claim in which others were quicker: their change may not have been rung. */
const againMs = 1_000

export class GatheredBatches {
  readonly #parts: GatheredParts
  readonly #types: { readonly types: readonly string[]; readonly except: readonly { readonly type: string }[] }

  constructor(parts: GatheredParts) {
    this.#parts = parts
    this.#types = { types: [parts.type.name], except: parts.nearer.map((type) => ({ type })) }
  }

  /** What is to be handled now, one after the other; none after a wait. */
  async next(): Promise<Jobs> {
    const { user, agent, mailboxes, size, waitMs, signal } = this.#parts
    const { post, receiver } = mailboxes
    const listening = post.arrivals.listen(user, agent)
    try {
      const [handed = [], [row] = []] = await post.storage.read({ user }, [
        post.look.handed(user, agent, this.#types),
        post.look.gathered(user, agent, this.#types, size),
      ])
      const now = Number(row?.now)
      const brokenOff = await this.#brokenOff(handed)
      if (brokenOff.deliveries.length > 0) return [brokenOff.deliveries]
      const count = Number(row?.count ?? 0)
      let left = count === 0 ? undefined : Number(row?.first) + waitMs - now
      if (count >= size || (left !== undefined && left <= 0)) {
        const jobs = await this.#fresh()
        if (jobs.length > 0) return jobs
        left = undefined
      } else if (handed.length === 0) {
        await listening.wait(left, signal)
        return []
      }
      // What others have in hand is looked at again when their lease is over.
      const until = [left, brokenOff.againMs, await receiver.next(user, agent, now)].filter((ms) => ms !== undefined)
      await listening.wait(until.length === 0 ? undefined : Math.min(...until), signal)
      return []
    } finally {
      listening.end()
    }
  }

  async #fresh(): Promise<Jobs> {
    const deliveries = await this.#claim({ max: this.#parts.size, batch: null })
    // One that was redriven has tries behind it too, whose effects are looked for one message at a time.
    const isFresh = ({ attempt, failures }: Delivered) => attempt === 1 && failures === 0
    const fresh = deliveries.filter(isFresh)
    const again = deliveries.filter((delivered) => !isFresh(delivered))
    return [...again.map((delivered) => [delivered]), fresh].filter((job) => job.length > 0)
  }

  async #brokenOff(
    handed: readonly Row[],
  ): Promise<{ readonly deliveries: readonly Delivered[]; readonly againMs?: number }> {
    let refused = false
    for (const row of handed) {
      const batch = batchOf(row)
      const now = Number(row.now)
      if (!batch || Number(row.first) > now) continue
      const whole = await this.#whole(batch, String(row.batch))
      // Somebody has a part of it in hand.
      if (whole !== undefined && Number(row.last) > now) continue
      const wanted = whole === undefined ? { max: 1 } : { max: whole, all: whole }
      const deliveries = await this.#claim({ ...wanted, batch: String(row.batch) })
      if (deliveries.length > 0) return { deliveries }
      refused ||= whole !== undefined
    }
    return { deliveries: [], ...(refused ? { againMs } : {}) }
  }

  /** How many they are, where all are there. A last attempt is had alone: it is not to bury those beside it. */
  async #whole({ step, left }: BatchPlace, batch: string): Promise<number | undefined> {
    const { user, agent, mailboxes, attempts: most } = this.#parts
    const { post } = mailboxes
    if (left) return undefined
    const rows = await post.read(user, post.look.members(user, agent, this.#types, batch))
    const isLast = rows.some(({ attempts }) => Number(attempts) + 1 >= Math.min(most, post.settings.maxAttempts))
    const tries = rows.map(({ id, failures }) => ({ id: String(id), failures: Number(failures) }))
    return !isLast && handledStep(tries) === step ? rows.length : undefined
  }

  #claim(wanted: { readonly max: number; readonly all?: number; readonly batch: string | null }) {
    const { user, agent, mailboxes, type, signal } = this.#parts
    const { except } = this.#types
    return mailboxes.receiver.receive(user, agent, { ...wanted, types: [type], except, waitMs: 0, signal })
  }
}
