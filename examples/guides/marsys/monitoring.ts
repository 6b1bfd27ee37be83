/** Runs are counted and timed; thresholds are watched by whoever looks, in whatever rhythm, and alerts go where one says. */
import { createTroupe, defineAgent, patterns, type Troupe } from 'troupe'

/** At most so much: a share, ms, a share of the memory that the process may use. */
const thresholds = { errorRate: 0.05, latencyP99: 5_000, memoryUsage: 0.9 }

export function alertsOf({ metrics }: Troupe): readonly (keyof typeof thresholds)[] {
  const { count, failures, p99 } = metrics.summary('execution')
  const found = {
    errorRate: count === 0 ? 0 : failures / count,
    latencyP99: p99,
    memoryUsage: process.memoryUsage().rss / (process.constrainedMemory() || Number.POSITIVE_INFINITY),
  }
  return (Object.keys(thresholds) as (keyof typeof thresholds)[]).filter((name) => found[name] > thresholds[name])
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { metrics } = troupe
  const { orchestra } = troupe.user('ada')
  const agent = defineAgent({
    name: 'Worker',
    run: async (n: number) => {
      if (n < 0) throw new Error('it is negative')
      return n
    },
  })
  const topology = patterns.pipeline({ stages: [{ agents: [agent] }] })
  const execute = async (task: number) => {
    const result = await metrics.trackExecution('execution', async () => {
      const done = await orchestra.run({ task, topology })
      if (done.error) throw done.error
      return done
    })
    metrics.increment('executions.successful')
    return result.response
  }
  await execute(1)
  const before = alertsOf(troupe)
  await execute(-1).catch(() => {})
  return {
    executions: metrics.summary('execution').count,
    successful: metrics.summary('executions.successful').count,
    // Counted without being told to.
    runs: metrics.summary('run.started').count,
    before,
    alerts: alertsOf(troupe),
  }
}

if (import.meta.main) console.log(await main())
