/**
 * Brings messages into mailboxes and bears the backpressure. Sends of one lane begin in the order of their calls; while
 * one waits for room the next of its lane waits behind it.
 */
import { failure } from '../core/index.ts'
import type { CommitResult, Fragment, Row, Statement } from '../storage/index.ts'
import { notAnswered, ringUnanswered, unanswered } from './delivered.ts'
import { rowOf, toPlace } from './message-row.ts'
import { type Post, refusal } from './post.ts'
import { limitOf, type Outgoing } from './statements/send-statements.ts'
import type { Upkeep } from './upkeep.ts'

export interface Sent {
  /** The stored message, or the first one where the dedupe id was used before. */
  readonly row: Row
  readonly duplicate: boolean
  readonly dropped: readonly string[]
}

/** Others may take the room that dropping made; so often it is tried. */
const maxDrops = 20
/** Of the oldest so many are looked at; only where a large message takes the room of more small ones, the most. */
const fewVictims = 100
const mostVictims = 10_000

type Drop = Required<Pick<Fragment, 'statements' | 'wake'>>
/** What most sends need. */
const noDrop: Drop = { statements: [], wake: ['mailboxes'] }

/** @throws CancelledError when the signal aborts first */
async function unlessAborted(turn: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (!turn || !signal) return void (await turn)
  const cancelled = () => failure('cancelled', { what: 'Sending' }, { cause: signal.reason })
  if (signal.aborted) throw cancelled()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancelled())
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    await Promise.race([turn, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

export class Dispatch {
  readonly #post: Post
  readonly #upkeep: Upkeep
  readonly #lanes = new Map<string, Promise<unknown>>()

  constructor(post: Post, upkeep: Upkeep) {
    this.#post = post
    this.#upkeep = upkeep
  }

  /**
   * @param lane whatever names the lane: sends that share it keep the order of the calls
   * @param also statements of the same change
   */
  async send(
    lane: string,
    prepared: Promise<Outgoing>,
    options: { readonly signal?: AbortSignal | undefined; readonly also?: readonly Statement[] } = {},
  ): Promise<Sent> {
    prepared.catch(() => {})
    const before = this.#lanes.get(lane)
    const begun = (async () => {
      await unlessAborted(before, options.signal)
      const outgoing = await prepared
      return { sent: this.#send(outgoing, options.also ?? [], options.signal) }
    })()
    const settled = begun
      .then(({ sent }) => (this.#post.settings.backpressure === 'wait' ? sent : undefined))
      .catch(() => {})
    // Who gave up in the queue does not let the next one overtake those before it.
    const over = Promise.all([before, settled])
    this.#lanes.set(lane, over)
    void over.then(() => {
      if (this.#lanes.get(lane) === over) this.#lanes.delete(lane)
    })
    return (await begun).sent
  }

  async #send(outgoing: Outgoing, also: readonly Statement[], signal: AbortSignal | undefined): Promise<Sent> {
    const first = await this.#try(outgoing, also, [])
    if (first) return first
    const { user, mailbox } = outgoing
    const { backpressure } = this.#post.settings
    if (await this.#upkeep.makeRoom(user, mailbox)) {
      const second = await this.#try(outgoing, also, [])
      if (second) return second
    }
    if (backpressure === 'wait') return this.#wait(outgoing, also, signal)
    if (backpressure === 'drop-oldest') return this.#drop(outgoing, also)
    throw this.#full(mailbox)
  }

  #full(mailbox: string): Error {
    return failure('mailbox.full', { mailbox, limit: limitOf(this.#post.settings) })
  }

  async #wait(outgoing: Outgoing, also: readonly Statement[], signal: AbortSignal | undefined): Promise<Sent> {
    const { user, mailbox } = outgoing
    for (;;) {
      const listening = this.#post.room.listen(user, mailbox)
      try {
        const sent = await this.#try(outgoing, also, [])
        if (sent) return sent
        await listening.wait(await this.#nextExpiry(user, mailbox), signal)
        await this.#upkeep.makeRoom(user, mailbox)
      } finally {
        listening.end()
      }
    }
  }
  async #nextExpiry(user: string, mailbox: string): Promise<number | undefined> {
    const [row] = await this.#post.read(user, this.#post.upkeep.nextExpiry(user, mailbox))
    return row === undefined || row.at === null ? undefined : Math.max(1, Number(row.at) - Number(row.now))
  }

  async #drop(outgoing: Outgoing, also: readonly Statement[]): Promise<Sent> {
    const { user, mailbox } = outgoing
    for (let attempt = 0; attempt < maxDrops; attempt++) {
      const victims = await this.victims(user, mailbox, outgoing.bytes)
      if (victims === undefined) break
      const sent = await this.#try(outgoing, also, victims)
      if (sent) return sent
    }
    throw this.#full(mailbox)
  }

  /** The oldest that nobody has in hand, as many as make room; undefined where dropping does not help. */
  async victims(user: string, mailbox: string, bytes: number, most = fewVictims): Promise<readonly Row[] | undefined> {
    const { maxCount, maxBytes } = this.#post.settings
    const [room = [], oldest = []] = await this.#post.storage.read({ user }, [
      this.#post.upkeep.room(user, mailbox),
      this.#post.upkeep.oldest(user, mailbox, most),
    ])
    let count = Number(room[0]?.count ?? 0) + 1 - maxCount
    let over = Number(room[0]?.bytes ?? 0) + bytes - maxBytes
    const victims: Row[] = []
    for (const row of oldest) {
      if (count <= 0 && over <= 0) break
      victims.push(row)
      count -= 1
      over -= Number(row.bytes)
    }
    if (count <= 0 && over <= 0) return victims
    const thereAreMore = oldest.length === most && most < mostVictims
    return thereAreMore ? this.victims(user, mailbox, bytes, mostVictims) : undefined
  }
  /** For the change that takes their room; whoever waits for a reply of one is told. */
  drop(victims: readonly Row[]): Drop {
    if (victims.length === 0) return noDrop
    const fragments = victims.map((row) => {
      const error = notAnswered(String(row.mailbox), String(row.type), 'it was dropped, for its mailbox was full')
      const answer = unanswered(this.#post, row, error)
      const removed = this.#post.settle.remove(toPlace(row), 'done', 'dropped', row.state === 'scheduled')
      return { statements: [...removed, ...answer.statements], wake: answer.wake ?? [] }
    })
    return {
      statements: fragments.flatMap(({ statements }) => statements),
      wake: ['mailboxes', ...new Set(fragments.flatMap(({ wake }) => wake))],
    }
  }
  /** After that change. */
  dropped(victims: readonly Row[]): void {
    for (const row of victims) {
      ringUnanswered(this.#post, row)
      this.#post.emit('message.dropped', String(row.user_id), { id: String(row.id), to: String(row.mailbox) })
    }
  }

  /** @returns undefined when the mailbox is full, or a victim was taken meanwhile */
  async #try(outgoing: Outgoing, also: readonly Statement[], victims: readonly Row[]): Promise<Sent | undefined> {
    const { statements: drops, wake } = this.drop(victims)
    const statements = this.#post.enter(outgoing, drops.length)
    const all = [...drops, ...statements, ...also, ...this.#post.audited(outgoing)]
    const result = await this.#post.commit(outgoing.user, all, `send:${outgoing.id}:${victims.length}`, wake)
    if (!result.ok) {
      if (result.code === 'mailbox.full' || result.code === 'storage.expectation') return undefined
      throw refusal(result)
    }
    return this.#sent(outgoing, result, drops.length + statements.length - 1, victims)
  }

  async #sent(
    outgoing: Outgoing,
    result: Extract<CommitResult, { ok: true }>,
    index: number,
    victims: readonly Row[],
  ): Promise<Sent> {
    const { user, mailbox, id } = outgoing
    const row =
      outgoing.dedupeId === null
        ? rowOf(outgoing, result.at)
        : (result.rows[index]?.[0] ?? (await this.#post.read(user, this.#post.look.one(user, mailbox, id)))[0])
    if (!row) throw failure('invariant.broken', { rule: 'a message that was sent can be read' })
    const duplicate = row.id !== id
    const dropped = victims.map((victim) => String(victim.id))
    if (!duplicate) {
      this.#post.arrivals.ring(user, mailbox)
      this.#post.sent(outgoing)
    }
    this.dropped(victims)
    return { row, duplicate, dropped }
  }
}
