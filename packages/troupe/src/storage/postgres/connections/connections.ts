/**
 * The connections for changes and reads. Where one was lost, what went wrong was hardly its alone: those that were made
 * before are not used again. So a server that was restarted, a way that takes and answers nothing, and statements that
 * were prepared before a migration cost one attempt and not one per connection.
 */
import type { Pool, PoolClient, QueryResult } from 'pg'
import { answerWithin, disconnect, Keepalive } from './keepalive.ts'

export class Connections {
  readonly #pool: Pool
  readonly #answerMs: number
  /** Over those whose answers are waited for. */
  readonly keepalive: Keepalive
  /** Of each connection, how many were lost before it was made. */
  readonly #lostBefore = new Map<PoolClient, number>()
  #lost = 0

  /** @param answerMs a connection that does not answer for so long is lost */
  constructor(pool: Pool, answerMs: number) {
    this.#pool = pool
    this.#answerMs = answerMs
    this.keepalive = new Keepalive(answerMs)
    pool.on('connect', (client) => {
      this.#lostBefore.set(client, this.#lost)
      client.once('end', () => this.#lostBefore.delete(client))
    })
  }

  /** How many may be had at once. */
  get free(): number {
    return this.#pool.idleCount + this.#pool.options.max - this.#pool.totalCount
  }

  /** @throws what pg throws, after the time that the pool allows */
  async acquire(): Promise<PoolClient> {
    for (;;) {
      const client = await this.#pool.connect()
      if (this.#lostBefore.get(client) === this.#lost) return client
      this.#drop(client)
    }
  }

  /** @param lost it is of no use any more */
  release(client: PoolClient, lost = false): void {
    if (!lost) {
      client.release()
      return
    }
    if (this.#lostBefore.get(client) === this.#lost) this.#lost++
    this.#drop(client)
  }

  /** One statement, outside of any transaction and as the role that logged in. */
  async ask(text: string, values: readonly (string | number)[]): Promise<QueryResult> {
    const client = await this.acquire()
    try {
      const result = await answerWithin(client, this.#answerMs, client.query(text, [...values]))
      this.release(client)
      return result
    } catch (error) {
      this.release(client, true)
      throw error
    }
  }

  /** Resolves when all are closed, or given up. */
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
