/** Shares deals, which come as JSON lines, and hears of reports. A process of its own. */
import { createInterface } from 'node:readline'
import { type AgentHandle, createTroupe } from 'troupe'
import { type Deal, database, print } from './database.ts'

export class SalesService {
  readonly #agent: AgentHandle

  constructor(agent: AgentHandle) {
    this.#agent = agent
  }

  async start(): Promise<void> {
    await this.#agent.context.subscribe(['sales', 'customers', 'deals', 'reports'])
  }

  async processDeal(deal: Deal): Promise<void> {
    await this.#agent.context.push(`deal_${deal.id}`, deal, { topics: ['sales', 'deals'] })
  }

  /** Each report as it comes. */
  async *reports(signal: AbortSignal): AsyncGenerator<unknown> {
    for await (const change of this.#agent.context.watch({ pattern: 'monthly_report', signal }))
      if (change.type === 'put') yield change.value
  }
}

if (import.meta.main) {
  await using troupe = await createTroupe({ storage: database })
  const sales = new SalesService(troupe.user('company_123').agent('SalesService'))
  await sales.start()
  const stopping = new AbortController()
  const listening = (async () => {
    for await (const report of sales.reports(stopping.signal)) print({ report })
  })()
  print({ ready: 'sales' })
  for await (const line of createInterface({ input: process.stdin }))
    await sales.processDeal({ ...(JSON.parse(line) as Deal), closedAt: Date.now() })
  stopping.abort()
  await listening
}
