/**
 * Reads, each call on one snapshot. On a separate connection the calls of one macrotask share a snapshot, because most
 * of the cost of a small read is locking and unlocking the file. No change is answered within a macrotask, so no caller
 * can know of a change that such a read misses. `renew` must be called before changes are answered.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers'
import { LRUCache } from 'lru-cache'
import { failure } from '../../core/index.ts'
import { expectRows } from '../changes/expect-rows.ts'
import type { Bind, Statement } from '../changes/statement.ts'
import type { Row } from '../storage-port.ts'
import { isTooBigForNumber } from './error-class.ts'
import { toRow } from './writer/decode-result.ts'
import { bindable, PreparedStatement, type Value } from './writer/prepared-statement.ts'
import { wireSlots } from './writer/wire.ts'

export interface ReaderOptions {
  readonly db: DatabaseSync
  /** True if the connection itself cannot write; otherwise writing statements are detected and rejected. */
  readonly readOnly: boolean
}

export class Reader {
  readonly #db: DatabaseSync
  readonly #readOnly: boolean
  readonly #prepared = new LRUCache<string, PreparedStatement>({ max: wireSlots })
  readonly #begin: StatementSync
  readonly #end: StatementSync
  #inTransaction = false

  constructor(options: ReaderOptions) {
    this.#db = options.db
    this.#readOnly = options.readOnly
    this.#begin = options.db.prepare('begin')
    this.#end = options.db.prepare('rollback')
  }

  /** @param at the value of `now`, ms since 1970 */
  read(statements: readonly Statement[], at: number): readonly (readonly Row[])[] {
    // No change commits between two statements on the connection of the writer.
    if (this.#readOnly) this.#beginTransaction()
    return this.#all(statements, at)
  }

  /** Ends the snapshot: later reads see all changes committed by now. */
  renew(): void {
    if (!this.#inTransaction) return
    this.#inTransaction = false
    // Some disk errors end the transaction.
    if (this.#db.isTransaction) this.#end.run()
  }

  #beginTransaction(): void {
    if (this.#inTransaction) return
    this.#begin.run()
    this.#inTransaction = true
    // Not the global, which the fake timers of a test replace.
    setImmediate(() => this.renew())
  }

  #all(statements: readonly Statement[], at: number): readonly (readonly Row[])[] {
    if (statements.length === 1) return [this.#rows(statements[0] as Statement, 0, [], at)]
    const counts: number[] = []
    return statements.map((statement, index) => this.#rows(statement, index, counts, at))
  }

  /** Closes the reader's own connection; in memory the connection belongs to the writer. */
  close(): void {
    this.renew()
    if (this.#readOnly) this.#db.close()
  }

  #rows(statement: Statement, index: number, counts: number[], at: number): readonly Row[] {
    const prepared = this.#prepare(statement.sql)
    const binds = statement.binds.map((bind) => bindable(bound(bind, at)))
    const values = this.#values(prepared, binds)
    counts[index] = values.length
    expectRows(statement, values.length, counts)
    const columns = prepared.columns ?? []
    return values.map((row) => toRow(columns, row))
  }

  #values(prepared: PreparedStatement, binds: readonly Value[]): readonly (readonly Value[])[] {
    try {
      return prepared.rows(binds)
    } catch (error) {
      if (isTooBigForNumber(error)) return prepared.rows(binds)
      throw error
    }
  }

  #prepare(sql: string): PreparedStatement {
    let prepared = this.#prepared.get(sql)
    if (prepared) return prepared
    if (!this.#readOnly && this.#writes(sql)) throw failure('invariant.broken', { rule: 'a read does not write' })
    prepared = new PreparedStatement(this.#db, sql)
    this.#prepared.set(sql, prepared)
    return prepared
  }

  /** Whether the statement may write: exactly then its program opens a write transaction. */
  #writes(sql: string): boolean {
    const program = this.#db.prepare(`explain ${sql}`).all() as { opcode: string; p2: number }[]
    return program.some(({ opcode, p2 }) => opcode === 'Transaction' && p2 > 0)
  }
}

const bound = (bind: Bind, at: number): Value =>
  typeof bind === 'object' && bind !== null && '$' in bind ? Math.round(at + (bind.plusMs ?? 0)) : bind
