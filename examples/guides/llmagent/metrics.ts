/** Counts, rates, durations and kinds of errors: collected by themselves for every call, and for what one names oneself. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { metrics } = troupe
  const responses = ['a', 'b', new TypeError('a defect'), 'c']
  const agent = new LlmAgent({ name: 'Monitored', model: new MockModel({ responses }) })
  for (let i = 0; i < responses.length; i++)
    await metrics
      .trackExecution('request', () => troupe.user('ada').session(agent).chat(`${i}`))
      .catch((error: Error) => metrics.increment('request.failed', 1, { error: error.name }))
  const { count, failures, average, p95 } = metrics.summary('request')
  const failed = (error: string) => metrics.summary('request.failed', { labels: { error } }).count
  const { uptimeMs, summary } = troupe.performance.report()
  return {
    total_requests: count,
    successful_requests: count - failures,
    success_rate: (count - failures) / count,
    error_breakdown: { ExternalServiceError: failed('ExternalServiceError'), TimeoutError: failed('TimeoutError') },
    // By its code, without being told to.
    steps_failed: metrics.summary('step.released', { labels: { code: 'model.failed' } }).count,
    timed: average > 0 && p95 >= average / 2,
    uptime_seconds: uptimeMs / 1_000,
    calls_per_second: summary.callsPerSecond,
    model_calls: metrics.summary('model.called').count,
  }
}

if (import.meta.main) console.log(await main())
