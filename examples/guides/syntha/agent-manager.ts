/** Agents of one user behind one door: opened, made, called with care, and closed whatever happens. */
import { type AgentHandle, createTroupe, type Troupe, type TroupeConfig } from 'troupe'

export class AgentManager implements AsyncDisposable {
  readonly #troupe: Troupe
  readonly #userId: string
  readonly #agents = new Map<string, AgentHandle>()
  readonly #warn: (line: string) => void

  private constructor(troupe: Troupe, userId: string, warn: (line: string) => void) {
    this.#troupe = troupe
    this.#userId = userId
    this.#warn = warn
  }

  static async open(config: TroupeConfig, userId: string, warn = console.warn): Promise<AgentManager> {
    return new AgentManager(await createTroupe({ ...config, requireUserId: true }), userId, warn)
  }

  createAgent(name: string, role: string): AgentHandle {
    const agent = this.#troupe.user(this.#userId).agent(name, { role })
    this.#agents.set(name, agent)
    return agent
  }

  /** A mistake of the caller is a result with `error` and `suggestion`; what is thrown is a defect, or the end. */
  async call(name: string, tool: string, args: object) {
    const agent = this.#agents.get(name)
    if (!agent) throw new Error(`There is no agent ${name}.`)
    const result = await agent.tools.call(tool, args)
    if (!result.success) this.#warn(`${name}.${tool}: ${result.error} ${result.suggestion ?? ''}`)
    return result
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#troupe.close()
  }
}

export async function main() {
  const warnings: string[] = []
  await using manager = await AgentManager.open({ storage: 'memory:' }, 'user_123', (line) => warnings.push(line))
  manager.createAgent('SalesAgent', 'contributor')
  const pushed = await manager.call('SalesAgent', 'push_context', {
    key: 'deal_update',
    value: 'closed',
    topics: ['sales'],
  })
  const failed = await manager.call('SalesAgent', 'delete_topic', { topic: 'sales', confirm: true })
  return { pushed: pushed.success, failed: failed.error, warnings: warnings.length }
}

if (import.meta.main) console.log(await main())
