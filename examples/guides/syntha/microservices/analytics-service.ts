/** Hears of every deal, and shares a report on all of them. A process of its own. */
import { type AgentHandle, createTroupe } from 'troupe'
import { type Deal, database, print, type Report } from './database.ts'

export class AnalyticsService {
  readonly #agent: AgentHandle

  constructor(agent: AgentHandle) {
    this.#agent = agent
  }

  async start(): Promise<void> {
    await this.#agent.context.subscribe(['sales', 'deals', 'analytics'])
  }

  /** Each deal once, in the order in which they were shared, from the call on: the watch is open when this resolves. */
  async deals(signal: AbortSignal): Promise<AsyncGenerator<Deal>> {
    const changes = this.#agent.context.watch({ pattern: 'deal_*', signal })
    // A write of this process waits until the watch has its position.
    await this.#agent.context.push('analytics_since', Date.now(), { topics: ['analytics'] })
    return (async function* () {
      for await (const change of changes) if (change.type === 'put') yield change.value as Deal
    })()
  }

  async generateReport(): Promise<Report> {
    let report: Report = { deals: 0, revenue: 0 }
    for await (const { value } of await this.#agent.context.list({ prefix: 'deal_' }))
      report = { deals: report.deals + 1, revenue: report.revenue + (value as Deal).amount }
    await this.#agent.context.push('monthly_report', report, { topics: ['analytics', 'reports'] })
    return report
  }
}

if (import.meta.main) {
  await using troupe = await createTroupe({ storage: database })
  const analytics = new AnalyticsService(troupe.user('company_123').agent('AnalyticsService'))
  await analytics.start()
  const stopping = new AbortController()
  // Whoever started it ends it.
  process.stdin.on('end', () => stopping.abort()).resume()
  const deals = await analytics.deals(stopping.signal)
  print({ ready: 'analytics' })
  for await (const { id, closedAt } of deals) {
    print({ deal: id, afterMs: Date.now() - closedAt })
    await analytics.generateReport()
  }
}
