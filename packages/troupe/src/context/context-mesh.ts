/** The context client of the application, with the operations that maintain the context of a user. */
import {
  capture,
  checkCall,
  checkConstruct,
  checkName,
  checkOptions,
  construct,
  invalidInput,
  readable,
} from '../core/index.ts'
import { ContextCalls } from './context-calls.ts'
import type { Signal } from './context-client.ts'
import type { Actor } from './entries/fragments.ts'
import { committingTarget, MeshContextClient } from './mesh-context-client.ts'
import type { MeshServices } from './mesh-services.ts'
import { setTopicPolicy, type TopicPolicy } from './writes/topics.ts'

/** Figures of the context of one user. */
export interface ContextStats {
  /** The number of current entries. */
  readonly entries: number
  /** The number of expired entries that are not deleted yet. */
  readonly expired: number
  /** The size of the values as JSON, in bytes. */
  readonly bytes: number
  /** The number of topics. */
  readonly topics: number
  /** The revision of the newest change. */
  readonly revision: number
}

/** The context of one user for trusted code: reads every entry, writes as `host`, and maintains the context. */
export class ContextMesh extends MeshContextClient {
  readonly #mesh: MeshServices
  readonly #actor: Actor
  readonly #calls: ContextCalls

  private constructor(key: typeof construct, mesh: MeshServices, actor: Actor) {
    checkConstruct(key, 'ContextMesh', 'user.context')
    super(mesh, actor, committingTarget(mesh, actor))
    this.#mesh = mesh
    this.#actor = actor
    this.#calls = new ContextCalls(mesh, actor)
  }

  static [construct](mesh: MeshServices, actor: Actor): ContextMesh {
    return new ContextMesh(construct, mesh, actor)
  }

  /** Returns figures of the context in constant time, apart from expired entries that are not deleted yet. */
  async stats(options: Signal = {}): Promise<ContextStats> {
    checkCall('stats', options)
    const { core } = this.#mesh
    const { user } = this.#actor
    const [rows = []] = await core.read(user, core.reads.state({ user, now: { $: 'now' } }))
    const { head } = await core.storage.feed(user, Number.MAX_SAFE_INTEGER, 1)
    const row = rows[0]
    const [all, expired] = [Number(row?.entries ?? 0), Number(row?.expired ?? 0)]
    return {
      entries: all - expired,
      expired,
      bytes: Number(row?.bytes ?? 0),
      topics: Number(row?.topics ?? 0),
      revision: head,
    }
  }

  /** Returns the number of current entries. */
  async size(options: Signal = {}): Promise<number> {
    return (await this.stats(options)).entries
  }

  /**
   * Deletes every entry of the user, in changes of a few hundred. Topics and subscriptions stay. Returns the number of
   * deleted entries.
   */
  clear(options: Signal = {}): Promise<number> {
    return this.#calls.call(undefined, options, async () => {
      checkCall('clear', options)
      const removed = await this.#mesh.cleaner.clear(this.#actor)
      this.#mesh.cache.forget(this.#actor.user)
      this.#mesh.emit('context.cleared', this.#actor, { entries: removed })
      return removed
    })
  }

  /** Deletes expired entries now. Returns the number of deleted entries. */
  async cleanup(options: Signal = {}): Promise<number> {
    checkCall('cleanup', options)
    return this.#mesh.cleaner.expireEntries(this.#actor.user)
  }

  /**
   * Restricts a topic to the named agents, for subscriptions and for writes. An empty list allows no agent, an absent list
   * allows every agent. Subscriptions that are not allowed any more end.
   */
  setTopicPolicy(topic: string, policy: TopicPolicy, options: Signal = {}): Promise<void> {
    return this.#calls.call(undefined, options, () => {
      checkCall('setTopicPolicy', options)
      checkOptions('setTopicPolicy', policy, ['subscribe', 'post'])
      for (const list of [policy.subscribe, policy.post]) {
        if (list !== undefined && !readable('A list of a topic policy', () => Array.isArray(list)))
          throw invalidInput('A topic policy', 'subscribe and post are lists of names')
        for (const name of list ?? []) checkName('agent', name)
      }
      return setTopicPolicy(this.#mesh.core, this.#actor, checkName('topic', topic), capture(policy))
    })
  }
}
