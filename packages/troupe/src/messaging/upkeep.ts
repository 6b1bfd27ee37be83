/**
 * What falls due in a mailbox without being a delivery: scheduled messages enter their lanes, expired ones leave, heads
 * whose consumers vanished at every attempt go to the dead letters. Whoever receives or needs room does it on the way;
 * each message is a change of its own, guarded, so that doing it twice does nothing.
 */
import type { Fragment, Row, Statement } from '../storage/index.ts'
import { batchOf } from './batch-place.ts'
import { notAnswered, ringUnanswered, unanswered } from './delivered.ts'
import { perhapsDone } from './handled-step.ts'
import { isPriority, offsets, toPlace } from './message-row.ts'
import type { Post } from './post.ts'
import type { Move } from './statements/move-statements.ts'

export const toMove = (row: Row): Move => {
  const { user, mailbox, id, lane, bytes } = toPlace(row)
  const priority = String(row.priority)
  return { user, mailbox, id, lane, bytes, offset: isPriority(priority) ? offsets[priority] : 0 }
}

/** What one round did: messages that entered their lanes, and places that became free. */
export interface Kept {
  readonly entered: number
  readonly freed: number
}

export class Upkeep {
  readonly #post: Post
  readonly #running = new Map<string, Promise<Kept>>()

  constructor(post: Post) {
    this.#post = post
  }

  run(user: string, mailbox: string): Promise<Kept> {
    const key = JSON.stringify([user, mailbox])
    const running = this.#running.get(key)
    if (running) return running
    const run = this.#run(user, mailbox).finally(() => this.#running.delete(key))
    this.#running.set(key, run)
    return run
  }

  async #run(user: string, mailbox: string): Promise<Kept> {
    const found = await this.#post.storage.read({ user }, this.#post.upkeep.overdue(user, mailbox))
    const [due = [], expired = [], exhausted = []] = found
    const moved = this.#bring(user, mailbox, due)
    const freed = [
      ...expired.map(async (row) => {
        const done = await this.#change(user, this.#post.settle.remove(toPlace(row), 'done', 'expired', false))
        if (done) this.#post.emit('message.expired', user, { id: String(row.id), to: mailbox })
        return done
      }),
      ...exhausted.map((row) => this.#bury(row)),
    ]
    const entered = await moved
    const count = (await Promise.all(freed)).filter(Boolean).length
    if (count > 0) {
      this.#post.arrivals.ring(user, mailbox)
      this.#post.freed({ user, mailbox, bytes: 0 })
    }
    return { entered, freed: count }
  }

  async #bury(row: Row): Promise<boolean> {
    const place = toPlace(row)
    const reason = `its lease ran out at attempt ${Number(row.attempts)}: the consumer vanished, or took too long; ${perhapsDone}`
    const answer = unanswered(this.#post, row, notAnswered(place.mailbox, String(row.type), reason))
    const ended = this.#post.handlingEnded(place.user, { id: place.id, failures: Number(row.failures) }, batchOf(row))
    const removed = this.#post.settle.remove(place, 'dead', reason, false)
    const done = await this.#change(place.user, [...removed, ...answer.statements, ...ended], answer.wake)
    if (done) {
      ringUnanswered(this.#post, row)
      const fields = {
        id: place.id,
        to: place.mailbox,
        from: String(row.sender),
        messageType: String(row.type),
      }
      this.#post.emit('message.dead', place.user, { ...fields, attempt: Number(row.attempts) })
    }
    return done
  }

  /** Scheduled messages that are due enter their lanes, some at a time. @returns how many did */
  async bringDue(user: string, mailbox: string): Promise<number> {
    return this.#bring(user, mailbox, await this.#post.read(user, this.#post.upkeep.due(user, mailbox)))
  }
  async #bring(user: string, mailbox: string, due: readonly Row[]): Promise<number> {
    const moved = await Promise.all(due.map((row) => this.#change(user, this.#post.move.comeDue(toMove(row)))))
    if (due.length > 0) this.#post.arrivals.ring(user, mailbox)
    return moved.filter(Boolean).length
  }
  /** ms until the next scheduled message is due; nothing or less where one is already. */
  async nextScheduled(user: string, mailbox: string): Promise<number | undefined> {
    const [row] = await this.#post.read(user, this.#post.upkeep.nextScheduled(user, mailbox))
    return row === undefined || row.at === null ? undefined : Number(row.at) - Number(row.now)
  }

  /** To the dead letters: a message that nobody has and that nobody is to see. */
  async refuse(row: Row, reason: string): Promise<void> {
    const place = toPlace(row)
    const answer = unanswered(this.#post, row, notAnswered(place.mailbox, String(row.type), reason))
    const removed = this.#post.settle.remove(place, 'dead', reason, row.state === 'scheduled')
    if (!(await this.#change(place.user, [...removed, ...answer.statements], answer.wake))) return
    ringUnanswered(this.#post, row)
    const fields = { id: place.id, to: place.mailbox, from: String(row.sender), messageType: String(row.type) }
    this.#post.emit('message.dead', place.user, { ...fields, attempt: Number(row.attempts) })
    this.#post.freed(place)
  }

  /** Room in a full mailbox that costs nobody anything: what has expired, then what its owner has read. */
  async makeRoom(user: string, mailbox: string): Promise<boolean> {
    if ((await this.run(user, mailbox)).freed > 0) return true
    const read = await this.#post.read(user, this.#post.upkeep.read(user, mailbox))
    const freed = await Promise.all(read.map((row) => this.#letGo(row)))
    return freed.some(Boolean)
  }
  async #letGo(row: Row): Promise<boolean> {
    const place = toPlace(row)
    const problem = 'it was read, and made room in a full mailbox'
    const answer = unanswered(this.#post, row, notAnswered(place.mailbox, String(row.type), problem))
    const removed = [...this.#post.settle.remove(place, 'done', null, false), ...(this.#post.signed?.seen(row) ?? [])]
    const done = await this.#change(place.user, [...removed, ...answer.statements], answer.wake)
    if (done) ringUnanswered(this.#post, row)
    return done
  }

  /** @returns whether it was done; a guard that failed means somebody else was first */
  async #change(user: string, statements: readonly Statement[], wake: Fragment['wake'] = []): Promise<boolean> {
    return (await this.#post.commit(user, statements, null, ['mailboxes', ...wake])).ok
  }
}
