/** An agent that acts on changes of the context: it is told of them, and asks for nothing in between. */
import { type AgentHandle, createTroupe } from 'troupe'

export class EventDrivenAgent {
  readonly done: string[] = []
  readonly #agent: AgentHandle
  readonly #stopping = new AbortController()

  constructor(agent: AgentHandle) {
    this.#agent = agent
  }

  /** Every change once, in order; after an interruption `from` goes on where it stopped. */
  async start(topics: readonly string[], from?: number): Promise<void> {
    await this.#agent.context.subscribe(topics)
    const { signal } = this.#stopping
    for await (const change of this.#agent.context.watch({ signal, ...(from === undefined ? {} : { from }) })) {
      if (change.type !== 'put') continue
      if (change.key.startsWith('urgent_')) this.done.push(`escalated ${change.key}`)
      else if (change.key.startsWith('task_')) this.done.push(`did ${change.key}`)
      if (change.key === 'task_last') this.stop()
    }
  }

  stop(): void {
    this.#stopping.abort()
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const agent = new EventDrivenAgent(ada.agent('Watcher'))
  await ada.agent('Watcher').context.subscribe(['sales'])
  const { revision } = await ada.context.stats()
  const sales = ada.agent('Sales')
  await sales.context.push('urgent_refund', 17, { topics: ['sales'] })
  await sales.context.push('note', 'no task', { topics: ['sales'] })
  await sales.context.push('task_hidden', 1, { topics: ['board'] })
  await sales.context.push('task_last', 4, { topics: ['sales'] })
  await agent.start(['sales'], revision)
  return agent.done
}

if (import.meta.main) console.log(await main())
