/** What the parts of this room share: the storage, the clock, the statements, the bells. One per troupe. */
import {
  type Clock,
  type EventName,
  type Events,
  failure,
  type Ids,
  type Json,
  type Random,
  type StoredError,
} from '../core/index.ts'
import type { CommitResult, Fragment, Row, Statement, Storage, WorkQueue } from '../storage/index.ts'
import { Bells } from './bells.ts'
import type { MessagingSettings } from './config.ts'
import { claimStatements } from './statements/claim-statements.ts'
import { lookStatements } from './statements/look-statements.ts'
import { moveStatements } from './statements/move-statements.ts'
import { requestStatements } from './statements/request-statements.ts'
import { sendStatements } from './statements/send-statements.ts'
import { settleStatements } from './statements/settle-statements.ts'
import { sweepStatements } from './statements/sweep-statements.ts'
import { upkeepStatements } from './statements/upkeep-statements.ts'

/** Hands an answer to the waiting call of a step; `Steps.answer` of `durable`. */
export type AnswerStep = (
  user: string,
  step: string,
  wait: string,
  answer: { readonly value: Json } | { readonly error: StoredError },
) => Fragment

export interface PostParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly events: Events
  readonly settings: MessagingSettings
  readonly answerStep: AnswerStep
}

export class Post {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly settings: MessagingSettings
  readonly answerStep: AnswerStep
  readonly #events: Events
  readonly send: ReturnType<typeof sendStatements>
  readonly claim: ReturnType<typeof claimStatements>
  readonly settle: ReturnType<typeof settleStatements>
  readonly move: ReturnType<typeof moveStatements>
  readonly look: ReturnType<typeof lookStatements>
  readonly upkeep: ReturnType<typeof upkeepStatements>
  readonly requests: ReturnType<typeof requestStatements>
  readonly sweep: ReturnType<typeof sweepStatements>
  /** Something may be delivered. */
  readonly arrivals: Bells
  /** A mailbox has room again. */
  readonly room: Bells
  /** A request has its answer. */
  readonly answers: Bells
  onFreed: (user: string, mailbox: string) => void = () => {}

  constructor({ storage, clock, ids, random, events, settings, answerStep }: PostParts) {
    this.storage = storage
    this.clock = clock
    this.ids = ids
    this.random = random
    this.settings = settings
    this.answerStep = answerStep
    this.#events = events
    const { dialect } = storage
    this.send = sendStatements(dialect, settings)
    this.claim = claimStatements(dialect, settings)
    this.settle = settleStatements(dialect)
    this.move = moveStatements(dialect, settings, this.send)
    this.look = lookStatements(dialect)
    this.upkeep = upkeepStatements(dialect, settings)
    this.requests = requestStatements(dialect)
    this.sweep = sweepStatements(dialect)
    this.arrivals = new Bells(clock)
    this.room = new Bells(clock)
    this.answers = new Bells(clock)
  }

  /**
   * A change of this room. One process owns a SQLite file and rings its own bells: only PostgreSQL needs our hint.
   * @param id for PostgreSQL, where an outcome may be unknown and no statement proves it
   */
  commit(
    user: string,
    statements: readonly Statement[],
    id: string | null = null,
    wake: readonly WorkQueue[] = ['mailboxes'],
  ): Promise<CommitResult> {
    const postgres = this.storage.dialect.name === 'postgres'
    const queues = postgres ? wake : wake.filter((queue) => queue !== 'mailboxes')
    return this.storage.commit({ id: postgres ? id : null, scope: { user }, statements, wake: queues })
  }
  async read(user: string, statement: Statement): Promise<readonly Row[]> {
    const [rows = []] = await this.storage.read({ user }, [statement])
    return rows
  }
  /** A message left the mailbox: whoever waits for room looks again. */
  freed(user: string, mailbox: string): void {
    this.room.ring(user, mailbox)
    this.onFreed(user, mailbox)
  }
  emit(type: EventName, userId: string | undefined, fields: { readonly [field: string]: Json }): void {
    this.#events.emit({ ...fields, type, at: this.clock.now(), ...(userId === undefined ? {} : { userId }) })
  }
}

/** The error of a change that was refused. */
export const refusal = (result: Extract<CommitResult, { ok: false }>) =>
  failure(result.code, { expected: 'a row', found: result.found, ...result.detail })
