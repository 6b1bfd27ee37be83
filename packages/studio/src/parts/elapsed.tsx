/** How long something has lasted, by the clock of the browser. */
import { useEffect, useState } from 'react'
import { lasting } from '../format.ts'

export function Elapsed({ since }: { readonly since: number }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return lasting(Math.max(0, Math.floor((now - since) / 1_000) * 1_000))
}
