/**
 * Reads, each in one transaction; a read that failed without a fault of its own is repeated. Reads of one user that
 * wait for a connection share a transaction, because its beginning and end cost more than the read. Each read sees
 * every change acknowledged before the call, because the transaction begins later.
 */
import { failure, type Random } from '../../core/index.ts'
import { expectRows } from '../changes/expect-rows.ts'
import type { Statement } from '../changes/statement.ts'
import type { Row, StorageScope } from '../storage-port.ts'
import type { PostgresSettings } from './connections/connection-target.ts'
import { backoffMs, Deadline, pause } from './connections/deadline.ts'
import { failureOf, messageOf } from './error-class.ts'
import type { Failed, TransactionOutcome, Transactions } from './transactions.ts'

export interface ReaderOptions {
  readonly transactions: Transactions
  readonly random: Random
  /** A read waits for an unreachable server as long as for a connection. */
  readonly settings: PostgresSettings
}

interface Waiting {
  readonly statements: readonly Statement[]
  readonly resolve: (outcome: TransactionOutcome) => void
  readonly reject: (error: unknown) => void
}
interface Lane {
  readonly waiting: Waiting[]
}

/** The maximum number of reads in one transaction, so that the others do not wait long for a slow one. */
const maxShared = 16
/** The maximum number of attempts of one read after deadlocks and similar errors. */
const maxRepeats = 20
/** The delays in ms between attempts to reach an unreachable server. */
const backoff = { first: 25, last: 800 }

export class Reader {
  readonly #options: ReaderOptions
  /** The waiting reads of each user, until a connection is available. */
  readonly #lanes = new Map<string, Lane>()

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /**
   * Executes the statements on one snapshot.
   * @throws the error of the read, if repeating it is not allowed or did not help
   */
  async read(scope: StorageScope, statements: readonly Statement[]): Promise<readonly (readonly Row[])[]> {
    const { settings, random } = this.#options
    const deadline = new Deadline(settings.acquireMs)
    for (let attempt = 0; ; attempt++) {
      const outcome = attempt === 0 ? await this.#shared(scope, statements) : await this.#alone(scope, statements)
      if (outcome.kind === 'done') {
        for (const [i, statement] of statements.entries())
          expectRows(statement, outcome.affected[i] ?? 0, outcome.affected)
        return outcome.rows
      }
      // Another read in the same transaction failed.
      if (outcome.errorClass.kind === 'aborted' && attempt === 0) continue
      this.#checkRepeatable(outcome, attempt, deadline)
      await pause(backoffMs(attempt + 1, backoff, random))
    }
  }

  /** @throws if the read must not be repeated */
  #checkRepeatable({ errorClass, error, statement }: Failed, attempt: number, deadline: Deadline): void {
    const { kind } = errorClass
    const broken = (rule: string) => failure('invariant.broken', { rule }, { cause: error })
    if (kind === 'writes') throw broken('a read does not write')
    if (kind === 'invalid' && statement >= 0) throw broken(`statements are valid (${messageOf(error)})`)
    const isRepeated = kind === 'lost' ? !deadline.isOver() : kind === 'retry' && attempt < maxRepeats
    if (!isRepeated) throw failureOf(error, this.#options.settings)
  }

  async #alone(scope: StorageScope, statements: readonly Statement[]): Promise<TransactionOutcome> {
    const [outcome] = await this.#options.transactions.reads(scope, () => [statements])
    return outcome as TransactionOutcome
  }

  /** @returns a failure `aborted` if another read of the transaction failed before: the read is then repeated alone */
  #shared(scope: StorageScope, statements: readonly Statement[]): Promise<TransactionOutcome> {
    const key = 'user' in scope ? scope.user : ''
    return new Promise((resolve, reject) => {
      const waiting = { statements, resolve, reject }
      const lane = this.#lanes.get(key)
      if (lane) lane.waiting.push(waiting)
      else this.#begin(key, scope, { waiting: [waiting] })
    })
  }

  #begin(key: string, scope: StorageScope, lane: Lane): void {
    this.#lanes.set(key, lane)
    let group: readonly Waiting[] | undefined
    /** The waiting reads are distributed over the free connections. */
    const takeReads = (free: number) => {
      group = lane.waiting.splice(0, Math.min(maxShared, Math.ceil(lane.waiting.length / (free + 1))))
      if (lane.waiting.length > 0) this.#begin(key, scope, lane)
      else this.#lanes.delete(key)
      return group.map(({ statements }) => statements)
    }
    void this.#options.transactions.reads(scope, takeReads).then(
      (outcomes) => {
        if (group) for (const [i, { resolve }] of group.entries()) resolve(outcomes[i] as TransactionOutcome)
        else this.#reject(key, lane, outcomes[0] as TransactionOutcome)
      },
      (error: unknown) => {
        for (const { reject } of group ?? []) reject(error)
      },
    )
  }

  /**
   * Rejects the read that waited longest for a connection. The other reads have waited less, so each is repeated alone.
   */
  #reject(key: string, lane: Lane, outcome: TransactionOutcome): void {
    this.#lanes.delete(key)
    for (const [i, { resolve }] of lane.waiting.splice(0).entries())
      resolve(i === 0 || outcome.kind === 'done' ? outcome : { ...outcome, errorClass: { kind: 'aborted' } })
  }
}
