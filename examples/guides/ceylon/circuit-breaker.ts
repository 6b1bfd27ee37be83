/** What fails again and again is left alone for a while; then one call sees whether it works again. */
import { CircuitOpenError } from 'troupe'
import { CircuitBreaker } from 'troupe/resilience'
import { createVirtualClock } from 'troupe/testing'

export async function main() {
  const clock = createVirtualClock()
  const breaker = new CircuitBreaker({ failures: 5, pause: '60s', clock })
  let up = false
  let asked = 0
  const service = async () => {
    asked++
    if (!up) throw new Error('503')
    return 'tea'
  }
  const rejected: boolean[] = []
  for (let i = 0; i < 6; i++)
    await breaker.execute(service).catch((error: unknown) => rejected.push(error instanceof CircuitOpenError))
  const open = breaker.state
  await clock.advance('60s')
  const later = breaker.state
  up = true
  const answer = await breaker.execute(service)
  return { asked, rejected, states: [open, later, breaker.state], answer }
}

if (import.meta.main) console.log(await main())
