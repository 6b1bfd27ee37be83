/** The caller from outside on whose behalf work is done; work that a call starts has it without an argument. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { joinTaint, stepTaint, type TaintLabel, type UserId } from '../core/index.ts'
import type { Grant } from './api-keys/api-keys.ts'
import { tokenGrant } from './token-grant.ts'

export interface Caller {
  readonly kind: Grant['kind'] | 'token' | 'local'
  /** The id of the API key, link or session; `token:USER` for a token. */
  readonly id: string
  /** When a token ends, in seconds since 1970. */
  readonly until?: number
  /** The id of the API key or link with which a session was opened. */
  readonly openedBy?: string
  /** Labels of all that the caller writes and starts. */
  readonly taint: readonly TaintLabel[]
}

/**
 * Returns the source of the expressions that a caller brings, which has a queue and a budget in the evaluator: an API key
 * with its sessions and whichever users its requests name, or a user without a key.
 */
export const expressionSource = (
  { kind, id, openedBy }: Pick<Caller, 'kind' | 'id' | 'openedBy'>,
  user: UserId,
): string => (kind === 'local' ? `user ${user}` : `key ${openedBy ?? id}`)

/** @example callers.within(principal, () => handle(request)) */
export class Callers {
  readonly #current = new AsyncLocalStorage<Caller>()

  within<Out>(caller: Caller, run: () => Out): Out {
    return this.#current.run(caller, run)
  }

  /**
   * Labels of the current caller, and of the step whose code is running; none for the application itself. Whatever is
   * written or started by a handle carries them.
   */
  get taint(): readonly TaintLabel[] {
    return joinTaint(this.#current.getStore()?.taint, stepTaint())
  }

  /** Returns the source of the expressions that the current call brings; undefined for the application itself. */
  sourceFor(user: UserId): string | undefined {
    const caller = this.#current.getStore()
    return caller && expressionSource(caller, user)
  }

  /**
   * Returns what the current call came in by, if it can end: the id of an API key or session, or a token with its end.
   */
  get grant(): string | undefined {
    const caller = this.#current.getStore()
    if (caller?.kind === 'token') return tokenGrant(caller.id, caller.until ?? 0)
    return caller?.kind === 'key' || caller?.kind === 'session' ? caller.id : undefined
  }
}
