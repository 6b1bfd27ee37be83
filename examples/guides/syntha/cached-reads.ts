/** Reads that may be a little old, and several keys at once. A cached read still asks who may see it. */
import { createTroupe } from 'troupe'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const [owner, reader] = [ada.agent('Owner'), ada.agent('Reader')]
  await owner.context.push('rates.eur', 1.08, { subscribers: ['Reader'] })
  await owner.context.push('rates.gbp', 1.27, { subscribers: ['Reader'] })

  const cached = () => reader.context.get('rates.eur', { maxAge: '5m' })
  const first = await cached()
  await owner.context.push('rates.eur', 1.09)
  const second = await cached() // up to five minutes old
  const fresh = await reader.context.get('rates.eur')

  // Only what is there and visible comes back: no listing of all keys first.
  const several = Object.fromEntries(await reader.context.getMany(['rates.eur', 'rates.gbp', 'rates.none']))

  await owner.context.push('rates.eur', 1.1, { audience: 'owner' })
  return { first, second, fresh, several, revoked: await cached() }
}

if (import.meta.main) console.log(await main())
