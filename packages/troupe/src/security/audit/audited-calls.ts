/** The calls from outside that are being answered: in whose name, and what was recorded of each so far. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditCaller, AuditEntry } from './audit-trail.ts'

interface AuditedCall extends AuditCaller {
  /** Records of this call in the caller's own name; what agents do because of it is recorded in theirs. */
  readonly recorded: { writes: number; reads: number }
}

export class AuditedCalls {
  readonly #call = new AsyncLocalStorage<AuditedCall>()

  /** What is recorded while `run` works, or by what it begins, came in by this caller. */
  by<Out>({ key, agent }: AuditCaller, run: () => Out): Out {
    return this.#call.run({ key, agent, recorded: { writes: 0, reads: 0 } }, run)
  }

  get caller(): AuditCaller | undefined {
    return this.#call.getStore()
  }

  /** The one who calls is the host, or the agent as which it acts. An entry with a key of its own is of another call. */
  attribute({ actor, key }: Pick<AuditEntry, 'actor' | 'key'>): {
    readonly actor: string
    readonly key: string | null
  } {
    const call = key === undefined ? this.#call.getStore() : undefined
    return { actor: actor === 'host' ? (call?.agent ?? actor) : actor, key: key ?? call?.key ?? null }
  }

  count({ actor, key }: Pick<AuditEntry, 'actor' | 'key'>, kind: 'writes' | 'reads'): void {
    const call = key === undefined ? this.#call.getStore() : undefined
    if (call && (actor === 'host' || actor === call.agent)) call.recorded[kind]++
  }

  /** Whether the call has left no record yet; a read that came with a write is none of its own. */
  isUnrecorded(isRead: boolean): boolean {
    const { writes = 0, reads = 0 } = this.#call.getStore()?.recorded ?? {}
    return writes + (isRead ? reads : 0) === 0
  }
}
