/** A setting of this browser: all parts of the page see a change at once. */
import { useSyncExternalStore } from 'react'

const changes = new EventTarget()
const subscribe = (changed: () => void) => {
  changes.addEventListener('change', changed)
  addEventListener('storage', changed)
  return () => {
    changes.removeEventListener('change', changed)
    removeEventListener('storage', changed)
  }
}

/** @returns the value, null while none was chosen, and a function that chooses one; null takes the choice back */
export function useSetting(name: string): readonly [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(subscribe, () => localStorage.getItem(name))
  const set = (chosen: string | null) => {
    if (chosen === null) localStorage.removeItem(name)
    else localStorage.setItem(name, chosen)
    changes.dispatchEvent(new Event('change'))
  }
  return [value, set]
}
