/** The caller from outside in whose name something is done: what a call begins knows it without being told. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { TaintLabel } from '../core/index.ts'
import type { Grant } from './api-keys/api-keys.ts'

export interface Caller {
  readonly kind: Grant['kind'] | 'token' | 'local'
  /** Of the API key, link or session. */
  readonly id: string
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

  /** The id of the API key by which the current call came in. */
  get apiKey(): string | undefined {
    const caller = this.#current.getStore()
    return caller?.kind === 'key' ? caller.id : undefined
  }
}
