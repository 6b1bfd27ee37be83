/**
 * Brings messages into mailboxes and bears the backpressure. Sends of one lane begin in the order of their calls; while
 * one looks or waits for room, those that come wait behind it, and those under way try again in that order.
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
/** What was made or read to be free others may take; so often it is looked for again before a send is refused. */
const maxLooks = 5
/** Of the oldest so many are looked at; only where a large message takes the room of more small ones, the most. */
const fewVictims = 100
const mostVictims = 10_000

type Drop = Required<Pick<Fragment, 'statements' | 'wake'>>
/** What most sends need. */
const noDrop: Drop = { statements: [], wake: ['mailboxes'] }

/** @throws CancelledError when the signal aborts first */
async function unlessAborted(turn: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return void (await turn)
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

/**
 * When one is settled, whatever became of it, and those before it are. By hand: each send asks three times, and with
 * `Promise.allSettled` it took 8 % longer in memory.
 * @param before never rejects, and resolves with nothing
 */
function settled(before: Promise<void>, one: Promise<unknown>): Promise<void> {
  const rest = () => before
  return one.then(rest, rest)
}

/** Sends under way in this process that share a lane. */
class Lane {
  /** All have begun. */
  begun: Promise<void> = Promise.resolve()
  /** All that have begun know whether they found room at once. */
  tried: Promise<void> = Promise.resolve()
  /** All are settled. */
  settled: Promise<void> = Promise.resolve()
  /** Those that found no room and look for some. */
  looking = 0
  /** The number of the last call, and of the last one whose message is in its mailbox. */
  last = 0
  entered = 0
}
/** One of them. */
interface Place {
  readonly lane: Lane
  readonly number: number
  /** Those before it are settled. */
  readonly turn: Promise<void>
}

interface SendTerms {
  readonly signal?: AbortSignal | undefined
  /** Statements of the same change. */
  readonly also?: readonly Statement[]
}

export class Dispatch {
  readonly #post: Post
  readonly #upkeep: Upkeep
  readonly #lanes = new Map<string, Lane>()

  constructor(post: Post, upkeep: Upkeep) {
    this.#post = post
    this.#upkeep = upkeep
  }

  /** @param name of the lane: sends that share it keep the order of the calls */
  async send(name: string, prepared: Promise<Outgoing>, terms: SendTerms = {}): Promise<Sent> {
    prepared.catch(() => {})
    const lane = this.#lanes.get(name) ?? new Lane()
    this.#lanes.set(name, lane)
    const { begun: before, settled: turn } = lane
    const place = { lane, number: ++lane.last, turn }
    const begun = (async () => {
      await unlessAborted(before, terms.signal)
      const outgoing = await prepared
      if (lane.looking > 0 || this.#post.settings.backpressure !== 'reject') await unlessAborted(turn, terms.signal)
      return { sent: this.#send(place, outgoing, terms) }
    })()
    // Who gave up in the queue does not let the next one overtake those before it.
    lane.begun = settled(before, begun)
    const over = settled(
      turn,
      begun.then(({ sent }) => sent),
    )
    lane.settled = over
    void over.then(() => {
      if (lane.settled === over) this.#lanes.delete(name)
    })
    return (await begun).sent
  }

  async #send(place: Place, outgoing: Outgoing, terms: SendTerms): Promise<Sent> {
    const { lane, number } = place
    const trying = this.#try(outgoing, terms, [])
    lane.tried = settled(lane.tried, trying)
    const sent = (await trying) ?? (await this.#look(place, outgoing, terms))
    lane.entered = Math.max(lane.entered, number)
    return sent
  }

  async #look({ lane, number, turn }: Place, outgoing: Outgoing, terms: SendTerms): Promise<Sent> {
    const { user, mailbox } = outgoing
    const { backpressure } = this.#post.settings
    lane.looking++
    try {
      const made = this.#upkeep.makeRoom(user, mailbox)
      made.catch(() => {})
      await unlessAborted(settled(turn, lane.tried), terms.signal)
      // One that was sent later found room meanwhile: behind it this one would be out of order.
      if (lane.entered > number && backpressure === 'reject') throw this.#full(mailbox)
      const sent = await this.#again(outgoing, terms, made)
      if (sent) return sent
      if (backpressure === 'wait') return await this.#wait(outgoing, terms)
      if (backpressure === 'drop-oldest') return await this.#drop(outgoing, terms)
      throw this.#full(mailbox)
    } finally {
      lane.looking--
    }
  }
  /** @param made whether what nobody needs made room */
  async #again(outgoing: Outgoing, terms: SendTerms, made: Promise<boolean>): Promise<Sent | undefined> {
    const { user, mailbox } = outgoing
    for (let attempt = 0; attempt < maxLooks; attempt++) {
      const found = attempt === 0 ? made : this.#upkeep.makeRoom(user, mailbox)
      if (!(await found) && !(await this.#fits(outgoing))) return undefined
      const sent = await this.#try(outgoing, terms, [])
      if (sent) return sent
    }
    return undefined
  }
  async #fits({ user, mailbox, bytes }: Outgoing): Promise<boolean> {
    const { maxCount, maxBytes } = this.#post.settings
    const [room] = await this.#post.read(user, this.#post.upkeep.room(user, mailbox))
    return Number(room?.count ?? 0) < maxCount && Number(room?.bytes ?? 0) + bytes <= maxBytes
  }

  #full(mailbox: string): Error {
    return failure('mailbox.full', { mailbox, limit: limitOf(this.#post.settings) })
  }

  async #wait(outgoing: Outgoing, terms: SendTerms): Promise<Sent> {
    const { user, mailbox } = outgoing
    for (;;) {
      const listening = this.#post.room.listen(user, mailbox)
      try {
        // Only now: what is read or expires before somebody listens is rung for nobody.
        await this.#upkeep.makeRoom(user, mailbox)
        const sent = await this.#try(outgoing, terms, [])
        if (sent) return sent
        await listening.wait(await this.#nextExpiry(user, mailbox), terms.signal)
      } finally {
        listening.end()
      }
    }
  }
  async #nextExpiry(user: string, mailbox: string): Promise<number | undefined> {
    const [row] = await this.#post.read(user, this.#post.upkeep.nextExpiry(user, mailbox))
    return row === undefined || row.at === null ? undefined : Math.max(1, Number(row.at) - Number(row.now))
  }

  async #drop(outgoing: Outgoing, terms: SendTerms): Promise<Sent> {
    const { user, mailbox } = outgoing
    for (let attempt = 0; attempt < maxDrops; attempt++) {
      const victims = await this.victims(user, mailbox, outgoing.bytes)
      if (victims === undefined) break
      const sent = await this.#try(outgoing, terms, victims)
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
  async #try(outgoing: Outgoing, { also = [] }: SendTerms, victims: readonly Row[]): Promise<Sent | undefined> {
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
