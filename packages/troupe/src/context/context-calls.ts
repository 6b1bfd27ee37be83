/** What holds of each call of a context client: its right, its signal, one incident for a rejection, the audit of reads. */
import { unlessAborted } from '../resilience/index.ts'
import type { Right } from '../security/index.ts'
import type { Signal } from './context-client.ts'
import { type Actor, readsAudited } from './entries/fragments.ts'
import type { MeshServices } from './mesh-services.ts'
import { reportRejections } from './report-rejections.ts'
import type { ContextStage } from './writes/context-stage.ts'

const reads: readonly Right[] = ['get_context', 'list_context', 'list_context_keys', 'discover_topics']

export class ContextCalls {
  readonly #mesh: MeshServices
  readonly #actor: Actor
  readonly #stage: Pick<ContextStage, 'isReplayed'> | undefined

  /** @param stage of the step in which the calls are made */
  constructor(mesh: MeshServices, actor: Actor, stage?: Pick<ContextStage, 'isReplayed'>) {
    this.#mesh = mesh
    this.#actor = actor
    this.#stage = stage
  }

  /** For the audit log, when the storage is asked. */
  audits(operation: Right, ...entries: readonly string[]): () => void {
    return () => readsAudited(this.#mesh.core, this.#actor, operation, entries)
  }

  require(right: Right): void {
    this.#actor.access?.require(this.#actor.agent, right)
  }
  /** A rejection is one incident. */
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

  /** In a step, where an answer comes from the record, a call waits to its end. */
  unlessAborted<T>(what: string, signal: AbortSignal | undefined, run: () => T | Promise<T>): T | Promise<T> {
    const isAbortable = signal !== undefined && this.#stage === undefined
    return isAbortable ? unlessAborted({ clock: this.#mesh.clock, what, signal }, run) : run()
  }

  /** One call: rights first, then the signal; a rejection is one incident, and none when a replay answers it. */
  async call<T>(right: Right | undefined, options: Signal, run: () => T | Promise<T>): Promise<T> {
    const action = right ?? 'context'
    if (right) this.authorize(right, action)
    const isReplayed = (error: unknown) => this.#stage?.isReplayed(error) === true
    return reportRejections({ mesh: this.#mesh, actor: this.#actor, action, options, isReplayed }, (signal) =>
      // Reads stop waiting when their signal aborts; a write does not, for it may have happened.
      right !== undefined && reads.includes(right) ? this.unlessAborted('The read', signal, run) : run(),
    )
  }
}
