/**
 * Reads of one user that wait for a connection share the transaction, for what stands around a read costs more than the
 * read: each sees what was acknowledged before it was asked, since the transaction begins later.
 */

import type { Statement } from '../changes/statement.ts'
import type { StorageScope } from '../storage-port.ts'
import type { TransactionOutcome, Transactions } from './transactions.ts'

interface Waiting {
  readonly statements: readonly Statement[]
  readonly resolve: (outcome: TransactionOutcome) => void
  readonly reject: (error: unknown) => void
}
interface Lane {
  readonly waiting: Waiting[]
}

/** Reads that share a transaction: one that is slow keeps no more waiting. */
const maxShared = 16

export class ReadLanes {
  readonly #transactions: Transactions
  /** Of each user for whom a connection is waited for. */
  readonly #lanes = new Map<string, Lane>()

  constructor(transactions: Transactions) {
    this.#transactions = transactions
  }

  /** @returns a failure `aborted` where it was not asked, for another one's failure: it is to be asked again, alone */
  read(scope: StorageScope, statements: readonly Statement[]): Promise<TransactionOutcome> {
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
    /** Those who wait are spread over the connections that are free. */
    const takeReads = (free: number) => {
      group = lane.waiting.splice(0, Math.min(maxShared, Math.ceil(lane.waiting.length / (free + 1))))
      if (lane.waiting.length > 0) this.#begin(key, scope, lane)
      else this.#lanes.delete(key)
      return group.map(({ statements }) => statements)
    }
    void this.#transactions.reads(scope, takeReads).then(
      (outcomes) => {
        if (group) for (const [i, { resolve }] of group.entries()) resolve(outcomes[i] as TransactionOutcome)
        else this.#reject(key, lane, outcomes[0] as TransactionOutcome)
      },
      (error: unknown) => {
        for (const { reject } of group ?? []) reject(error)
      },
    )
  }

  /** No connection for the one that waited longest: the others have waited less, and each goes on for itself. */
  #reject(key: string, lane: Lane, outcome: TransactionOutcome): void {
    this.#lanes.delete(key)
    for (const [i, { resolve }] of lane.waiting.splice(0).entries())
      resolve(i === 0 || outcome.kind === 'done' ? outcome : { ...outcome, errorClass: { kind: 'aborted' } })
  }
}
