/** Lifetimes by name: five that are there, one's own, and one that comes with the key. */
import { createTroupe } from 'troupe'
import { createVirtualClock } from 'troupe/testing'

export async function main() {
  const clock = createVirtualClock()
  await using troupe = await createTroupe({
    storage: 'memory:',
    clock, // the test does not wait for an hour; leave it out otherwise
    context: { lifecycles: { incident: { ttl: '7d' }, offer: { ttl: '2h', pattern: 'offers.*' } }, cleanup: '5m' },
  })
  const { context } = troupe.user('ada').agent('Clerk')
  await context.push('sessions.17', { cart: [] }, { lifecycle: 'session' }) // 1 hour
  await context.push('cache.teapots', ['SKU_9'], { lifecycle: 'cache' }) // 30 minutes
  await context.push('draft', 'Dear', { lifecycle: 'temporary' }) // 5 minutes
  await context.push('report', 'Sales', { lifecycle: 'daily' }) // 24 hours
  await context.push('incidents.4', 'late', { lifecycle: 'incident' })
  await context.push('offers.9', '10 % off') // its key says how long
  await context.push('code', 1234, { ttl: '90s' }) // a time of its own
  await context.push('vision', 'to help') // stays
  const left = async () => (await context.keys()).items
  const lifetimes: Record<string, readonly string[]> = { now: await left() }
  // What has expired is invisible at once; the clean-up only takes its room back.
  for (const [after, by] of [
    ['2m', '2m'],
    ['45m', '43m'],
    ['90m', '45m'],
    ['1d', '1d'],
  ] as const) {
    await clock.advance(by)
    lifetimes[after] = await left()
  }
  return lifetimes
}

if (import.meta.main) console.log(await main())
