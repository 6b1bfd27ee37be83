/**
 * What a full mailbox holds back: messages whose turn is committed and paid for, and the room's own notices. They stay
 * until there is room (`wait`), make some (`drop-oldest`), or come back to their sender as `message.refused` (`reject`).
 */
import { failure, storeError } from '../core/index.ts'
import type { Fragment, Row } from '../storage/index.ts'
import { unanswered } from './delivered.ts'
import type { Dispatch } from './dispatch.ts'
import { replyToOf } from './message-row.ts'
import { MessageConfirmed, MessageRefused } from './notices.ts'
import type { Post } from './post.ts'
import { limitOf } from './statements/send-statements.ts'
import { toMove, type Upkeep } from './upkeep.ts'

/** Notices are never refused back: nobody could be told for ever. */
const notices: readonly string[] = [MessageRefused.name, MessageConfirmed.name]

export class Outbox {
  readonly #post: Post
  readonly #dispatch: Dispatch
  readonly #upkeep: Upkeep
  /** Mailboxes known to hold something back: room there is worth a look. */
  readonly #holding = new Map<string, { readonly user: string; readonly mailbox: string }>()
  #running: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(post: Post, dispatch: Dispatch, upkeep: Upkeep) {
    this.#post = post
    this.#dispatch = dispatch
    this.#upkeep = upkeep
  }
  get holding(): boolean {
    return this.#holding.size > 0
  }

  /** Looks at everything held back, once more if asked meanwhile. Never rejects: what fails is tried at the next wake-up. */
  pump(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#again = this.#running !== undefined
    this.#running ??= this.#pump()
      .catch((error: unknown) => this.#post.emit('outbox.failed', undefined, { code: codeOf(error) }))
      .finally(() => {
        this.#running = undefined
        if (this.#again) void this.pump()
      })
    return this.#running
  }
  async close(): Promise<void> {
    this.#closed = true
    this.#again = false
    await this.#running
  }

  async #pump(): Promise<void> {
    const [rows = []] = await this.#post.storage.read({ work: true }, [this.#post.upkeep.heldAnywhere()])
    this.#holding.clear()
    for (const row of rows) {
      const place = { user: String(row.user_id), mailbox: String(row.mailbox) }
      this.#holding.set(JSON.stringify(place), place)
    }
    for (const [key, { user, mailbox }] of [...this.#holding])
      if (await this.#let(user, mailbox)) this.#holding.delete(key)
  }

  /** @returns whether nothing is held back any more */
  async #let(user: string, mailbox: string): Promise<boolean> {
    for (;;) {
      const rows = await this.#post.read(user, this.#post.upkeep.held(user, mailbox))
      if (rows.length === 0) {
        await this.#post.commit(user, [this.#post.move.forgetHeld(user, mailbox)], null, [])
        return true
      }
      let settled = 0
      for (const row of rows) {
        if (this.#closed || !(await this.#letOne(row))) break
        settled += 1
      }
      if (settled === 0) return false
    }
  }

  /** @returns whether it is held back no more */
  async #letOne(row: Row): Promise<boolean> {
    const move = toMove(row)
    const { user, mailbox } = move
    for (let attempt = 0; attempt < 3; attempt++) {
      const victims = attempt === 0 ? [] : await this.#victims(row)
      if (victims === undefined) break
      const { statements, wake } = this.#dispatch.drop(victims)
      const result = await this.#post.commit(user, [...statements, ...this.#post.move.letOut(move)], null, wake)
      if (result.ok) {
        this.#post.arrivals.ring(user, mailbox)
        this.#dispatch.dropped(victims)
        return true
      }
      if (attempt === 0) await this.#upkeep.makeRoom(user, mailbox)
    }
    const refusing = this.#post.settings.backpressure === 'reject' && !notices.includes(String(row.type))
    return refusing && this.#refuse(row)
  }
  async #victims(row: Row): Promise<readonly Row[] | undefined> {
    if (this.#post.settings.backpressure !== 'drop-oldest') return []
    return this.#dispatch.victims(String(row.user_id), String(row.mailbox), Number(row.bytes))
  }

  async #refuse(row: Row): Promise<boolean> {
    const { user, mailbox, id } = toMove(row)
    const sender = String(row.sender)
    const told = replyToOf(row) ? this.#unanswered(row) : this.#notice(row)
    const statements = [this.#post.move.refuse(user, id), ...told.statements]
    const result = await this.#post.commit(user, statements, null, ['mailboxes', 'outbox', ...(told.wake ?? [])])
    if (result.ok) {
      this.#post.arrivals.ring(user, sender)
      this.#post.emit('message.refused', user, { id, from: sender, to: mailbox, messageType: String(row.type) })
    }
    return result.ok
  }
  #unanswered(row: Row): Fragment {
    const full = failure('mailbox.full', { mailbox: String(row.mailbox), limit: limitOf(this.#post.settings) })
    return unanswered(this.#post, row, storeError(full))
  }
  /** To its sender, who waits for nothing. */
  #notice(row: Row): Fragment {
    const { user, mailbox, id } = toMove(row)
    const reason = `the mailbox of ${mailbox} is full: ${limitOf(this.#post.settings)}`
    const notice = this.#post.notice(`${id}-refused`, {
      user,
      from: mailbox,
      to: String(row.sender),
      type: MessageRefused,
      payload: { id, to: mailbox, type: String(row.type), reason },
      correlationId: String(row.correlation_id ?? id),
      threadId: row.thread_id === null || row.thread_id === undefined ? undefined : String(row.thread_id),
    })
    return { statements: this.#post.enterOrHold(notice) }
  }
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
