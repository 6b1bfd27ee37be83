/**
 * Queries that are sent together. `pg` sends a Sync after each query and creates an object and a promise for each. For
 * a short transaction that costs more than the work itself. A chunk is sent with a single Sync at its end, and prepares
 * the statements that its connection does not know. After a failure within a chunk the server skips the rest, as it
 * rejects the rest of a transaction.
 */
import type { Connection, PoolClient, Query, QueryConfig, QueryResult } from 'pg'
import type { Row } from '../../storage-port.ts'
import type { Query as Asked, ParameterValue } from './prepared-texts.ts'

export type QueryOutcome = PromiseSettledResult<QueryResult<Row>>

/** Parts of a connection that the types of `pg` omit. */
interface PreparedConnection extends Connection {
  /** The prepared text of each name. */
  readonly parsedStatements?: Record<string, string | undefined>
}
interface HandlingQuery extends Omit<Query, 'submit'> {
  readonly _results: QueryResult<Row> | readonly QueryResult<Row>[]
  /** The types of `pg` declare it as a property; in JavaScript it is a method. */
  submit(connection: Connection): void
  handleCommandComplete(message: unknown, connection: Connection): void
  handleError(error: Error, connection: Connection): void
}
type QueryClass = new (config: QueryConfig, callback: (error: Error | null | undefined) => void) => HandlingQuery

export class Chunks {
  readonly #Chunk: ReturnType<typeof chunkOf> | undefined

  /** @param Base `Query` of the `pg` of the connections. Without the methods needed, queries are sent one by one */
  constructor(Base: typeof Query) {
    this.#Chunk = 'handleCommandComplete' in Base.prototype ? chunkOf(Base as unknown as QueryClass) : undefined
  }

  /**
   * Sends a transaction. Never rejects.
   * @param end the end of the transaction, which is sent even if a chunk fails
   * @returns the outcome of each query in order, with that of the end last
   */
  async send(client: PoolClient, chunks: readonly (readonly Asked[])[], end: Asked): Promise<readonly QueryOutcome[]> {
    const { stream } = client.connection
    const others = chunks.slice(0, -1)
    // All chunks are written at once.
    stream.cork()
    const sent = others.map((chunk) => this.#sent(client, chunk))
    const last = this.#sent(client, [...(chunks.at(-1) ?? []), end])
    stream.uncork()
    const queryOutcomes = (await Promise.all([...sent, last])).flat()
    return queryOutcomes.at(-1) === passedOver
      ? [...queryOutcomes.slice(0, -1), ...(await this.#sent(client, [end]))]
      : queryOutcomes
  }

  /**
   * Sends queries as one transaction without BEGIN and COMMIT: the server treats the queries before one Sync as one
   * transaction, and commits it at the Sync. Never rejects.
   * @returns the outcome of each query in order, with that of the end last, as COMMIT and ROLLBACK have it; undefined if
   * queries are sent one by one
   */
  sendAsTransaction(client: PoolClient, chunk: readonly Asked[]): Promise<readonly QueryOutcome[]> | undefined {
    return this.#Chunk?.sent(client, chunk, true)
  }

  #sent(client: PoolClient, chunk: readonly Asked[]): Promise<readonly QueryOutcome[]> {
    if (this.#Chunk) return this.#Chunk.sent(client, chunk)
    return Promise.allSettled(chunk.map((asked) => client.query<Row>(asked as QueryConfig)))
  }
}

const endedBy = (command: 'COMMIT' | 'ROLLBACK'): QueryOutcome => ({
  status: 'fulfilled',
  value: { command, rows: [], rowCount: null, oid: 0, fields: [] },
})

function chunkOf(Base: QueryClass) {
  return class Chunk extends Base {
    readonly #asked: readonly Asked[]
    readonly #isTransaction: boolean
    #completed = 0
    /** The statements that the chunk prepares, by the index of their query. */
    readonly #prepares = new Map<number, string>()

    /** @param isTransaction the Sync ends the transaction: its outcome comes last */
    static sent(client: PoolClient, asked: readonly Asked[], isTransaction = false): Promise<readonly QueryOutcome[]> {
      return new Promise((resolve) => {
        client.query(new Chunk(asked, isTransaction, resolve))
      })
    }

    constructor(
      asked: readonly Asked[],
      isTransaction: boolean,
      report: (queryOutcomes: readonly QueryOutcome[]) => void,
    ) {
      super({ text: '' }, (error) => report(this.#queryOutcomes(error ?? undefined)))
      this.#asked = asked
      this.#isTransaction = isTransaction
    }

    /**
     * Writes to the socket at once: each write wakes the server, and a process that is stopped between two of them leaves a
     * transaction open.
     */
    override submit(connection: PreparedConnection): void {
      connection.stream.cork()
      try {
        this.#write(connection)
      } finally {
        connection.stream.uncork()
      }
    }

    #write(connection: PreparedConnection): void {
      const { parsedStatements } = connection
      for (const [i, { name = '', text, values }] of this.#asked.entries()) {
        if (name === '' || parsedStatements?.[name] !== text) {
          // An earlier chunk may have prepared it before it failed.
          if (name !== '') connection.close({ type: 'S', name }, true)
          if (name !== '') this.#prepares.set(i, name)
          connection.parse({ name, text, types: [] }, true)
        }
        connection.bind({ statement: name, values: values.map(sentAs) }, true)
        connection.describe(unnamed, true)
        connection.execute(null, true)
      }
      connection.sync()
    }

    override handleCommandComplete(message: unknown, connection: PreparedConnection): void {
      super.handleCommandComplete(message, connection)
      const { name, text } = this.#asked[this.#completed++] as Asked
      if (name !== undefined && connection.parsedStatements) connection.parsedStatements[name] = text
    }

    override handleError(error: Error, connection: PreparedConnection): void {
      // In a transaction that has failed, the server closes a statement and does not prepare it again.
      for (const [i, name] of this.#prepares)
        if (i >= this.#completed && connection.parsedStatements) connection.parsedStatements[name] = undefined
      super.handleError(error, connection)
    }

    #queryOutcomes(error: Error | undefined): readonly QueryOutcome[] {
      const results = [this._results].flat()
      const count = this.#asked.length
      const last = this.#isTransaction ? count : count - 1
      const failed = error === undefined ? count + 1 : Math.min(this.#completed, last)
      const own = this.#asked.map((_, i): QueryOutcome => {
        if (i < failed) return { status: 'fulfilled', value: results[i] as QueryResult<Row> }
        return i === failed ? { status: 'rejected', reason: error } : passedOver
      })
      if (!this.#isTransaction) return own
      if (failed === count) return [...own, { status: 'rejected', reason: error }]
      return [...own, endedBy(error === undefined ? 'COMMIT' : 'ROLLBACK')]
    }
  }
}

/** The portal that was bound last. */
const unnamed = { type: 'P', name: '' }

/** Encodes a value as `pg` does: bytes unchanged, all else as text. */
function sentAs(value: ParameterValue): string | Buffer {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return Array.isArray(value) ? `{${value.map(element)}}` : String(value)
}
const element = (text: string | null): string => (text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`)

/** The error that a server gives for statements after a failure within a transaction. */
const passedOver: PromiseRejectedResult = {
  status: 'rejected',
  reason: Object.assign(new Error('a statement before it failed'), { severity: 'ERROR', code: '25P02' }),
}
