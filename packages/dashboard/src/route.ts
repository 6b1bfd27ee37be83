/** Where the page is: behind the `#` of its address, so that the server knows one page only. */
import { useSyncExternalStore } from 'react'

const subscribe = (changed: () => void) => {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}

/** The parts of `#/runs/abc`. */
export function useRoute(): readonly string[] {
  const hash = useSyncExternalStore(subscribe, () => location.hash)
  return hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map((one) => {
      try {
        return decodeURIComponent(one)
      } catch {
        return one
      }
    })
}

export const linkTo = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`
export const goTo = (...parts: readonly string[]): void => {
  location.hash = linkTo(...parts)
}
