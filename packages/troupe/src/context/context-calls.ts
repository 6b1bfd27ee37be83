/** Applies the common rules to each call of a context client: rights, signal, one incident per rejection, audit of reads. */
import { checkSignal, signalOf } from '../core/index.ts'
import type { WriteTarget } from '../journal/index.ts'
import { unlessAborted } from '../resilience/index.ts'
import type { Right } from '../security/index.ts'
import type { Signal } from './context-client.ts'
import { type Actor, readsAudited } from './entries/fragments.ts'
import type { MeshServices } from './mesh-services.ts'
import type { ContextStage } from './writes/context-stage.ts'

const reads: readonly Right[] = ['get_context', 'list_context', 'list_context_keys', 'discover_topics']

export class ContextCalls {
  readonly #mesh: MeshServices
  readonly #actor: Actor
  readonly #stage: Pick<ContextStage, 'isReplayed'> | undefined
  readonly #target: Pick<WriteTarget, 'call'> | undefined

  /** @param stage the stage of the step in which the calls are made */
  constructor(
    mesh: MeshServices,
    actor: Actor,
    target?: Pick<WriteTarget, 'call'>,
    stage?: Pick<ContextStage, 'isReplayed'>,
  ) {
    this.#target = target
    this.#mesh = mesh
    this.#actor = actor
    this.#stage = stage
  }

  /** Records the read in the audit log when the storage is read. */
  audits(operation: Right, ...entries: readonly string[]): () => void {
    return () => readsAudited(this.#mesh.core, this.#actor, operation, entries)
  }

  require(right: Right): void {
    this.#actor.access?.require(this.#actor.agent, right)
  }
  /** Records a rejection as one incident. */
  authorize(right: Right, action: string): void {
    try {
      this.require(right)
    } catch (error) {
      this.#rejected(action, error)
      throw error
    }
  }
  #rejected(action: string, error: unknown): void {
    this.#mesh.core.incidents?.rejected(this.#actor.user, this.#actor.agent, action, error)
  }

  /** In a step an answer may come from the record, so a call is awaited to its end. */
  unlessAborted<T>(what: string, signal: AbortSignal | undefined, run: () => T | Promise<T>): T | Promise<T> {
    const isAbortable = signal !== undefined && this.#stage === undefined
    return isAbortable ? unlessAborted({ clock: this.#mesh.clock, what, signal }, run) : run()
  }

  /** Makes one call: checks the rights, then the signal. A rejection is one incident, unless a replay answers it. */
  call<T>(right: Right | undefined, options: Signal, run: () => T | Promise<T>): Promise<T> {
    const call = () => this.#call(right, options, run)
    return this.#target ? this.#target.call(call) : call()
  }

  async #call<T>(right: Right | undefined, options: Signal, run: () => T | Promise<T>): Promise<T> {
    const action = right ?? 'context'
    if (right) this.authorize(right, action)
    const signal = signalOf('the call', options)
    checkSignal('the call', signal)
    try {
      // A read stops waiting when its signal aborts. A write does not, since it may have been committed.
      return await (right !== undefined && reads.includes(right) ? this.unlessAborted('The read', signal, run) : run())
    } catch (error) {
      if (this.#stage?.isReplayed(error) !== true) this.#rejected(action, error)
      throw error
    }
  }
}
