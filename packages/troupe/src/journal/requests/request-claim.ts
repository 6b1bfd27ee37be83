/**
 * The claim of one execution of a request. It is renewed until the execution ends, so that no other process executes the
 * request meanwhile.
 */
import { type Clock, PeriodicTask } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { RequestKey, RequestStatements } from './request-statements.ts'

/** The time in ms after the last renewal in which no other process may claim the request. */
export const requestLeaseMs = 120_000
const renewMs = requestLeaseMs / 4
const now = { $: 'now' } as const

export class RequestClaim {
  readonly #storage: Storage
  readonly #statements: RequestStatements
  readonly #key: RequestKey
  readonly #task: PeriodicTask
  #end: { readonly answer: string | undefined } | undefined

  constructor(parts: {
    readonly storage: Storage
    readonly clock: Clock
    readonly statements: RequestStatements
    readonly key: RequestKey
  }) {
    this.#storage = parts.storage
    this.#statements = parts.statements
    this.#key = parts.key
    const run = () => this.#round()
    this.#task = new PeriodicTask({ name: 'request claim', clock: parts.clock, intervalMs: renewMs, run })
    this.#task.start()
  }

  /**
   * Stores the answer and ends the claim. If the storage fails, the claim is retained, and the storing is repeated at the next
   * renewals: a repeated request must not execute a second time what was executed. Never rejects.
   * @param answer undefined if the request may be repeated
   */
  async end(answer: string | undefined): Promise<void> {
    this.#end = { answer }
    await this.#task.trigger()
  }

  async #round(): Promise<void> {
    if (this.#storage.state().state === 'closed') return this.#task.stop()
    const { user } = this.#key
    const isLast = this.#end !== undefined
    const result = await this.#storage.commit({ id: null, scope: { user }, statements: [this.#statement()] })
    // Without a row, the lease expired and another execution has the claim, or the user was erased.
    if (isLast || (result.ok && result.affected[0] === 0)) this.#task.stop()
  }

  #statement() {
    if (!this.#end) return this.#statements.renew({ ...this.#key, now })
    const { answer } = this.#end
    return answer === undefined
      ? this.#statements.release(this.#key)
      : this.#statements.setAnswer({ ...this.#key, answer, now })
  }
}
