/** A prepared statement that knows whether it returns rows, and reads integers of any size. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isTooBigForNumber } from '../error-class.ts'

export type Value = string | number | bigint | Uint8Array | null

/**
 * Replaces `limit ?` by a sum. SQLite reads the value of a bare `limit ?` when it compiles, so it recompiles the
 * statement at every execution. That costs more than most statements.
 */
const compiledOnce = (sql: string): string => sql.replace(/\blimit \?(\d*)(?!\d|\s*\+)/gi, 'limit ?$1 + 0')

const smallest = BigInt(Number.MIN_SAFE_INTEGER)
const largest = BigInt(Number.MAX_SAFE_INTEGER)

export class PreparedStatement {
  /** Undefined for a statement that returns no rows. */
  readonly columns: readonly string[] | undefined
  /** Whether the statement certainly does not write. */
  readonly reads: boolean
  readonly #statement: StatementSync
  #big = false

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(compiledOnce(sql))
    const columns = this.#statement.columns().map((column) => column.name)
    this.reads = /^\s*select\b/i.test(sql)
    this.columns = columns.length > 0 ? columns : undefined
    this.#statement.setReturnArrays(true)
  }

  /** Executes the statement and returns the number of changed rows. */
  run(binds: readonly Value[]): number {
    return this.#statement.run(...(binds as Value[])).changes as number
  }

  /**
   * Returns one array of values per row. Integers are numbers, beyond 2^53 bigint.
   * @throws the ERR_OUT_OF_RANGE of node:sqlite for the first integer beyond 2^53; the statement can then be run again
   */
  rows(binds: readonly Value[]): readonly (readonly Value[])[] {
    try {
      const rows = this.#statement.all(...(binds as Value[])) as unknown as Value[][]
      return this.#big ? rows.map((row) => row.map(narrow)) : rows
    } catch (error) {
      if (isTooBigForNumber(error)) {
        this.#big = true
        this.#statement.setReadBigInts(true)
      }
      throw error
    }
  }
}

export type Prepared<Texts> = Readonly<Record<keyof Texts, PreparedStatement>>

export const prepareTexts = <Texts extends Readonly<Record<string, string>>>(db: DatabaseSync, texts: Texts) =>
  Object.fromEntries(
    Object.entries(texts).map(([name, sql]) => [name, new PreparedStatement(db, sql)]),
  ) as Prepared<Texts>

const narrow = (value: Value): Value =>
  typeof value === 'bigint' && value >= smallest && value <= largest ? Number(value) : value

/** Converts integers to bigint: node:sqlite binds every number as REAL, and `5` would become the text `5.0`. */
export const bindable = (value: Value): Value =>
  typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
