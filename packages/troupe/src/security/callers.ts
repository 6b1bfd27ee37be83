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
): string => (kind === 'local' ? userSource(user) : `key ${openedBy ?? id}`)

const userSource = (user: UserId): string => `user ${user}`

interface CurrentWork {
  readonly caller: Caller | undefined
  /** In a step or at the start of a scheduled run: true if a caller started or scheduled it. */
  readonly isOfCaller?: boolean
}

/** @example callers.within(principal, () => handle(request)) */
export class Callers {
  readonly #current = new AsyncLocalStorage<CurrentWork>()

  within<Out>(caller: Caller, run: () => Out): Out {
    return this.#current.run({ caller }, run)
  }

  /**
   * Does work of a run. It continues without the call that started it, in any process, and within other calls that wake it.
   * @param isOfCaller whether a caller started the run; the source of its expressions is then its user
   */
  withinRun<Out>(isOfCaller: boolean, run: () => Out): Out {
    const current = this.#current.getStore()
    return current || isOfCaller ? this.#current.run({ caller: current?.caller, isOfCaller }, run) : run()
  }

  /**
   * Labels of the current caller, and of the step whose code is running; none for the application itself. Whatever is
   * written or started by a handle carries them.
   */
  get taint(): readonly TaintLabel[] {
    return joinTaint(this.#current.getStore()?.caller?.taint, stepTaint())
  }

  /** Returns the source of the expressions that the current call brings; undefined for the application itself. */
  sourceFor(user: UserId): string | undefined {
    const { caller, isOfCaller } = this.#current.getStore() ?? {}
    if (isOfCaller !== undefined) return isOfCaller ? userSource(user) : undefined
    return caller && expressionSource(caller, user)
  }

  /**
   * Returns what the current call came in by, if it can end: the id of an API key or session, or a token with its end.
   */
  get grant(): string | undefined {
    const caller = this.#current.getStore()?.caller
    if (caller?.kind === 'token') return tokenGrant(caller.id, caller.until ?? 0)
    return caller?.kind === 'key' || caller?.kind === 'session' ? caller.id : undefined
  }
}
