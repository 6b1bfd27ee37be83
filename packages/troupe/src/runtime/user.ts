/** Everything of one user. Nothing here reaches another's. */
import type { Agent, Session } from '../agents/index.ts'
import type { ContextMesh } from '../context/index.ts'
import { checkOptions } from '../core/index.ts'
import { type RunningWorker, startWorker, type Worker } from '../messaging/index.ts'
import { Orchestra } from '../orchestration/index.ts'
import type { AccessOptions } from '../security/index.ts'
import { type AgentHandle, createAgentHandle } from './agent-handle.ts'
import type { TroupeParts } from './parts.ts'

export class User {
  readonly id: string
  /** The user's context in the hands of trusted code: reads all of it, pushes as `host`. */
  readonly context: ContextMesh
  readonly orchestra: Orchestra
  readonly #parts: TroupeParts
  readonly #workers: Set<RunningWorker>

  constructor(parts: TroupeParts, id: string, workers: Set<RunningWorker>) {
    this.id = id
    this.#parts = parts
    this.#workers = workers
    this.context = parts.mesh.host(id)
    this.orchestra = new Orchestra(parts.orchestra, id)
  }

  /**
   * The hands of an agent of this name.
   * @param access its role (`contributor` when absent), `allow` and `deny`
   * @throws ValidationError for a name, role or option that is not allowed
   * @example const support = ada.agent('Support', { role: 'contributor', deny: ['delete_topic'] })
   */
  agent(name: string, access: AccessOptions = {}): AgentHandle {
    checkOptions('agent', access, ['role', 'allow', 'deny'])
    return createAgentHandle(this.#parts, this.id, name, access)
  }

  /**
   * Starts a worker on its mailbox.
   * @throws what its onStart throws
   * @example const running = await ada.start(new Stock())
   */
  async start(worker: Worker): Promise<RunningWorker> {
    const { mailboxes, presence, steps, inbox, clock, random, hands } = this.#parts
    const running = await startWorker(worker, {
      user: this.id,
      mailboxes,
      presence,
      steps,
      inbox,
      clock,
      random,
      contextOf: (recorder, access) => hands(recorder, access).context,
    })
    this.#workers.add(running)
    const stop = async () => {
      await running.stop()
      this.#workers.delete(running)
    }
    return { detail: running.detail, stop, [Symbol.asyncDispose]: stop }
  }

  /** One agent at work in one thread, whose conversation goes on from call to call. */
  session(agent: Agent, options: { readonly threadId?: string } = {}): Session {
    checkOptions('session', options, ['threadId'])
    return this.#parts.sessions(agent, { user: this.id, threadId: options.threadId ?? this.#parts.ids.next() })
  }
}
