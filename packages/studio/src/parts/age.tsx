/** How long ago something was. One timer moves all ages of the page. */
import { useSyncExternalStore } from 'react'
import { useServerClock } from '../api/use-api.tsx'
import { age, when } from '../format.ts'

const everyMs = 5_000

/** Counts the ticks of one timer, which runs while an age is shown. */
function createTicks() {
  const listeners = new Set<() => void>()
  let count = 0
  let timer: ReturnType<typeof setInterval> | undefined
  const tick = () => {
    count++
    for (const listener of listeners) listener()
  }
  return {
    count: () => count,
    subscribe(listener: () => void) {
      listeners.add(listener)
      timer ??= setInterval(tick, everyMs)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}
const ticks = createTicks()

export function Age({ of }: { readonly of: string }) {
  useSyncExternalStore(ticks.subscribe, ticks.count)
  const clock = useServerClock()
  return (
    <time dateTime={of} title={when(of)}>
      {age(of, clock.now())}
    </time>
  )
}
