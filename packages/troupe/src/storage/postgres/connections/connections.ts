/**
 * The connections for changes and reads. The cause of a lost connection usually affects the others too, so older
 * connections are not used again. A restarted server, a silent network and outdated prepared statements then cost one
 * attempt, not one per connection.
 */
import type { Pool, PoolClient, QueryResult } from 'pg'
import { errorClassOf } from '../error-class.ts'
import { answerWithin, disconnect, Keepalive } from './keepalive.ts'

export class Connections {
  readonly #pool: Pool
  readonly #answerMs: number
  /** Watches the connections that wait for an answer. */
  readonly keepalive: Keepalive
  /** The value of `#lost` when each connection was made. */
  readonly #lostBefore = new Map<PoolClient, number>()
  #lost = 0

  /** @param answerMs the time in ms without an answer after which a connection is lost */
  constructor(pool: Pool, answerMs: number) {
    this.#pool = pool
    this.#answerMs = answerMs
    this.keepalive = new Keepalive(answerMs)
    pool.on('connect', (client) => {
      this.#lostBefore.set(client, this.#lost)
      client.once('end', () => this.#lostBefore.delete(client))
    })
  }

  /** The number of connections that can be acquired at once. */
  get free(): number {
    return this.#pool.idleCount + this.#pool.options.max - this.#pool.totalCount
  }

  /** @throws the errors of `pg`, after the time that the pool allows */
  async acquire(): Promise<PoolClient> {
    for (;;) {
      const client = await this.#pool.connect()
      if (this.#lostBefore.get(client) === this.#lost) return client
      this.#drop(client)
    }
  }

  /** @param lost whether the connection is unusable */
  release(client: PoolClient, lost = false): void {
    if (!lost) {
      client.release()
      return
    }
    if (this.#lostBefore.get(client) === this.#lost) this.#lost++
    this.#drop(client)
  }

  /** Executes one statement outside a transaction, as the role that logged in. */
  async ask(text: string, values: readonly (string | number)[]): Promise<QueryResult> {
    const client = await this.acquire()
    try {
      const result = await answerWithin(client, this.#answerMs, client.query(text, [...values]))
      this.release(client)
      return result
    } catch (error) {
      const { kind } = errorClassOf(error)
      // A server that rejects writes may not be the primary any more. After other rejections the connection works.
      this.release(client, kind === 'lost' || kind === 'writes')
      throw error
    }
  }

  /** Resolves when all connections are closed or abandoned. */
  async end(): Promise<void> {
    const all = [...this.#lostBefore.keys()]
    await this.#pool.end()
    await Promise.all(all.map(disconnect))
  }

  #drop(client: PoolClient): void {
    this.#lostBefore.delete(client)
    client.release(true)
    client.connection.stream.destroy()
  }
}
