/** A value that follows another one, once that has rested. */
import { useEffect, useState } from 'react'

/** @param ms for which it rests */
export function useLater<T>(value: T, ms: number): T {
  const [later, setLater] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return later
}
