/** When a source fails: the last good value, or a given one, replaces it; the breaker stops calls until it recovers. */
import { CircuitBreaker, LastKnownGood } from 'troupe/resilience'
import { createVirtualClock } from 'troupe/testing'

export async function main() {
  let isUp = false
  let calls = 0
  const source = async () => {
    calls++
    if (!isUp) throw new Error('503')
    return 1.08
  }
  const clock = createVirtualClock()
  const breaker = new CircuitBreaker({ failures: 2, pause: '60s', clock })
  const lastGood = new LastKnownGood({ maxAge: '1h' })
  // The key names everything on which the value depends, its user included.
  const rate = () => lastGood.execute(() => breaker.execute(source), { key: 'ada rate' })
  const missing = await rate().catch(({ message }) => message)
  lastGood.update('ada rate', 1)
  const fallback = await rate()
  const whileOpen = [await rate(), calls]
  isUp = true
  await clock.advance('60s')
  const fresh = await rate()
  isUp = false
  return { missing, fallback, whileOpen, fresh, lastKnownGood: await rate() }
}

if (import.meta.main) console.log(await main())
