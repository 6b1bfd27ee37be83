/** How long something has lasted, by the clock of the server. */
import { useEffect, useState } from 'react'
import { useServerClock } from '../api/use-api.tsx'
import { lasting } from '../format.ts'

export function Elapsed({ since }: { readonly since: number }) {
  const clock = useServerClock()
  const [now, setNow] = useState(clock.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), 1_000)
    return () => clearInterval(timer)
  }, [clock])
  return lasting(Math.max(0, Math.floor((now - since) / 1_000) * 1_000))
}
