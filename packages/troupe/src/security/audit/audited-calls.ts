/** The calls from outside that are being handled: their callers, and the records of each so far. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditCaller, AuditEntry } from './audit-trail.ts'

interface AuditedCall extends AuditCaller {
  /** The number of records of this call in the caller's name; those of agents are in the agents' names. */
  readonly recorded: { writes: number; reads: number; rejections: number }
}

export class AuditedCalls {
  readonly #call = new AsyncLocalStorage<AuditedCall>()

  /** Calls `run` for a caller: what is recorded meanwhile, and by work that it starts, names this caller. */
  by<Out>({ key, agent }: AuditCaller, run: () => Out): Out {
    return this.#call.run({ key, agent, recorded: { writes: 0, reads: 0, rejections: 0 } }, run)
  }

  get caller(): AuditCaller | undefined {
    return this.#call.getStore()
  }

  /**
   * The actor is the application, or the agent as which the caller acts. An entry with a key belongs to another call.
   */
  attribute({ actor, key }: Pick<AuditEntry, 'actor' | 'key'>): {
    readonly actor: string
    readonly key: string | null
  } {
    const call = key === undefined ? this.#call.getStore() : undefined
    return { actor: actor === 'host' ? (call?.agent ?? actor) : actor, key: key ?? call?.key ?? null }
  }

  count({ actor, key }: Pick<AuditEntry, 'actor' | 'key'>, kind: 'writes' | 'reads' | 'rejections'): void {
    const call = key === undefined ? this.#call.getStore() : undefined
    if (call && (actor === 'host' || actor === call.agent)) call.recorded[kind]++
  }

  /** Whether a refusal of the call has a record. */
  get isRejected(): boolean {
    return (this.#call.getStore()?.recorded.rejections ?? 0) > 0
  }

  /** Returns whether the call has no record yet; a read that came with a write needs none. */
  isUnrecorded(isRead: boolean): boolean {
    const { writes = 0, reads = 0 } = this.#call.getStore()?.recorded ?? {}
    return writes + (isRead ? reads : 0) === 0
  }
}
