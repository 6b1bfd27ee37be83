/** How long things take: every call is counted and timed by itself, and so is whatever you name. */
import { createTroupe } from 'troupe'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { metrics } = troupe
  const clerk = troupe.user('ada').agent('Clerk')
  await clerk.context.push('users.12345.profile', { name: 'John' })

  const lookUp = () => metrics.trackExecution('user_profile_lookup', () => clerk.context.get('users.12345.profile'))
  for (let i = 0; i < 3; i++) await lookUp()
  await metrics.trackExecution('import', () => Promise.reject(new Error('no file'))).catch(() => {})

  const summaries = metrics.names().map((name) => ({ name, ...metrics.summary(name) }))
  const total = summaries.reduce((sum, { count }) => sum + count, 0)
  const errors = summaries.reduce((sum, { failures }) => sum + failures, 0)
  const slowest = [...summaries].sort((a, b) => b.average - a.average).slice(0, 5)
  return { lookups: metrics.summary('user_profile_lookup').count, errors, rate: errors / total, slowest }
}

if (import.meta.main) console.log(await main())
