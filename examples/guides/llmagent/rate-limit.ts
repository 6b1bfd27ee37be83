/** So many requests a minute for each client, in a window that slides. */
import { RateLimiter } from 'troupe/resilience'
import { createVirtualClock } from 'troupe/testing'

export function limited(limiter: RateLimiter, serve: (request: string) => string) {
  return (request: string, clientId: string) => {
    const { allowed, retryAfterMs } = limiter.take(clientId)
    return allowed ? serve(request) : { error: 'Rate limit exceeded', retry_after: Math.ceil(retryAfterMs / 1_000) }
  }
}

export async function main() {
  const clock = createVirtualClock()
  const handle = limited(new RateLimiter({ limit: 60, window: '1m', clock }), (request) => `did ${request}`)
  for (let i = 0; i < 60; i++) handle('x', 'client a')
  const rejected = handle('x', 'client a')
  const other = handle('x', 'client b')
  await clock.advance('1m')
  return { rejected, other, later: handle('x', 'client a') }
}

if (import.meta.main) console.log(await main())
