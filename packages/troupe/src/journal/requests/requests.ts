/**
 * The answers to requests of clients by their idempotency key. A repeated request gets the stored answer and is not executed
 * a second time. Answers are stored for a day. While a request is executed, its process renews the claim; another process can
 * claim it only after the lease has expired.
 */
import type { Clock, Ids, UserId } from '../../core/index.ts'
import { committed, type Storage } from '../../storage/index.ts'
import { RequestClaim, requestLeaseMs } from './request-claim.ts'
import { compileRequestStatements, type RequestStatements } from './request-statements.ts'

export type RequestStart =
  | { readonly state: 'new'; readonly claim: RequestClaim }
  | { readonly state: 'running' }
  | { readonly state: 'other' }
  | { readonly state: 'answered'; readonly answer: string }

const day = 86_400_000
const now = { $: 'now' } as const

export class Requests {
  readonly #parts: RequestsParts
  readonly #statements: RequestStatements

  constructor(parts: RequestsParts) {
    this.#parts = parts
    this.#statements = compileRequestStatements(parts.storage)
  }

  /**
   * Claims the execution of a request.
   * @param hash the hash of the content. A request with the same key and another hash is `other`
   */
  async begin(user: UserId, request: string, hash: string): Promise<RequestStart> {
    const { storage, clock, ids } = this.#parts
    const key = { user, request, claim: ids.next() }
    const expired = { $: 'now', plusMs: -requestLeaseMs } as const
    const [claim, old] = [
      this.#statements.claim({ ...key, hash, expired, now }),
      this.#statements.cleanup({ user, before: { $: 'now', plusMs: -day } }),
    ]
    const { affected } = await committed(storage, { id: null, scope: { user }, statements: [old, claim] })
    if (affected[1] === 1)
      return { state: 'new', claim: new RequestClaim({ storage, clock, statements: this.#statements, key }) }
    const [rows] = await storage.read({ user }, [this.#statements.get(key, { returns: true })])
    const row = rows?.[0]
    if (row && row.hash !== hash) return { state: 'other' }
    return row?.answer ? { state: 'answered', answer: String(row.answer) } : { state: 'running' }
  }
}

interface RequestsParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
}
