/** Runs are counted and timed; thresholds are watched, and an alert goes to an agent that somebody reads. */
import { createTroupe, defineAgent, patterns } from 'troupe'
import type { AlertRule } from 'troupe/operations'
import { createVirtualClock } from 'troupe/testing'

/** A share, ms, a share of the memory that the process may use. */
const rules: readonly AlertRule[] = [
  { name: 'error-rate', metric: 'execution', own: true, statistic: 'errorRate', above: 0.05 },
  { name: 'latency', metric: 'execution', own: true, statistic: 'p99', above: 5_000 },
  { name: 'memory-usage', metric: 'memory.used', statistic: 'value', above: 0.9 },
]

export async function main() {
  const clock = createVirtualClock()
  const alerts = { defaults: false, rules, to: [{ user: 'ops', agent: 'Admin' }] }
  await using troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    clock,
    health: { every: '30s' },
    alerts,
  })
  const { metrics } = troupe
  const { orchestra } = troupe.user('ada')
  const { mailbox } = troupe.user('ops').agent('Admin')
  const agent = defineAgent({
    name: 'Worker',
    run: async (n: number) => {
      if (n < 0) throw new Error('it is negative')
      return n
    },
  })
  const topology = patterns.pipeline({ stages: [{ agents: [agent] }] })
  const execute = (task: number) =>
    metrics.trackExecution('execution', async () => {
      const { response, success, error } = await orchestra.run({ task, topology })
      metrics.increment('executions', 1, { success: String(success) })
      if (error) throw error
      return response
    })
  await execute(1)
  await clock.advance('1m')
  const before = (await mailbox.counts()).unread
  await execute(-1).catch(() => {})
  await clock.advance('1m')
  return {
    executions: metrics.summary('executions').count,
    successful: metrics.summary('executions', { labels: { success: 'true' } }).count,
    // Counted without being told to.
    runs: metrics.summary('run.started').count,
    before,
    alerts: (await mailbox.messages()).items.map(({ priority, payload }) => [priority, payload]),
  }
}

if (import.meta.main) console.log(await main())
