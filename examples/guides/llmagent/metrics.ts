/** Counts, rates, durations and kinds of errors: collected by themselves for every call, and for what one names oneself. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const began = performance.now()
  const { metrics } = troupe
  const errors: Record<string, number> = {}
  const responses = ['a', 'b', new TypeError('a defect'), 'c']
  const agent = new LlmAgent({ name: 'Monitored', model: new MockModel({ responses }) })
  for (let i = 0; i < responses.length; i++)
    await metrics
      .trackExecution('request', () => troupe.user('ada').session(agent).chat(`${i}`))
      .catch((error: Error) => {
        errors[error.name] = (errors[error.name] ?? 0) + 1
      })
  const { count, failures, average, p95 } = metrics.summary('request')
  const uptime = (performance.now() - began) / 1_000
  return {
    total_requests: count,
    successful_requests: count - failures,
    success_rate: (count - failures) / count,
    error_breakdown: errors,
    timed: average > 0 && p95 >= average / 2,
    requests_per_second: count / uptime,
    model_calls: metrics.summary('model.called').count,
  }
}

if (import.meta.main) console.log(await main())
