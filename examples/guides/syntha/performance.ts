/** How long things take: every call is counted and timed by itself, and so is whatever you name. */
import { createTroupe } from 'troupe'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { metrics } = troupe
  const clerk = troupe.user('ada').agent('Clerk')
  await clerk.context.push('users.12345.profile', { name: 'John' })

  const lookUp = async () => {
    // Ends with its block, whatever happens in it; what is noted stands beside the slowest.
    using timer = troupe.performance.time('user_profile_lookup')
    timer.addMetadata('profile', '12345')
    return clerk.context.get('users.12345.profile')
  }
  for (let i = 0; i < 3; i++) await lookUp()
  await troupe.performance.track('import', () => Promise.reject(new Error('no file'))).catch(() => {})
  metrics.record('basket', 3, { labels: { shop: 'tea' } })

  const { operations, summary, slowest } = troupe.performance.report({ window: '1h', slowest: 5 })
  const lookups = operations.find(({ operation }) => operation === 'user_profile_lookup')
  return {
    lookups: [lookups?.calls, lookups?.successRate],
    failures: summary.failures,
    rate: summary.errorRate,
    slowest: slowest.map(({ operation, metadata }) => [operation, metadata]),
    basket: metrics.summary('basket', { labels: { shop: 'tea' }, window: '5m' }).latest,
  }
}

if (import.meta.main) console.log(await main())
