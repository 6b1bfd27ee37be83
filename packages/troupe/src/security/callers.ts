/** The caller from outside in whose name something is done: what a call begins knows it without being told. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { TaintLabel } from '../core/index.ts'
import type { Grant } from './api-keys/api-keys.ts'
import { tokenGrant } from './token-grant.ts'

export interface Caller {
  readonly kind: Grant['kind'] | 'token' | 'local'
  /** Of the API key, link or session; of a token `token:USER`. */
  readonly id: string
  /** When a token ends, in seconds since 1970. */
  readonly until?: number
  /** Of all that the caller writes and starts. */
  readonly taint: readonly TaintLabel[]
}

const noLabels: readonly TaintLabel[] = []

/** @example callers.within(principal, () => handle(request)) */
export class Callers {
  readonly #current = new AsyncLocalStorage<Caller>()

  within<Out>(caller: Caller, run: () => Out): Out {
    return this.#current.run(caller, run)
  }

  /** Labels of the current caller; none for the application itself. */
  get taint(): readonly TaintLabel[] {
    return this.#current.getStore()?.taint ?? noLabels
  }

  /** What the current call came in by, where it can end: an API key or session by its id, a token with its end. */
  get grant(): string | undefined {
    const caller = this.#current.getStore()
    if (caller?.kind === 'token') return tokenGrant(caller.id, caller.until ?? 0)
    return caller?.kind === 'key' || caller?.kind === 'session' ? caller.id : undefined
  }
}
