/** Light or dark: as the system has it, until somebody chooses. */
import { createContext, type ReactNode, useContext, useLayoutEffect, useState, useSyncExternalStore } from 'react'

type Appearance = 'light' | 'dark'

const dark = matchMedia('(prefers-color-scheme: dark)')
const subscribe = (changed: () => void) => {
  dark.addEventListener('change', changed)
  return () => dark.removeEventListener('change', changed)
}
const AppearanceContext = createContext<{ readonly appearance: Appearance; readonly turn: () => void }>({
  appearance: 'light',
  turn: () => {},
})

export function AppearanceProvider({ children }: { readonly children: ReactNode }) {
  const system: Appearance = useSyncExternalStore(subscribe, () => dark.matches) ? 'dark' : 'light'
  const [chosen, setChosen] = useState(() => localStorage.getItem('appearance') as Appearance | null)
  const appearance = chosen ?? system
  const turn = () => {
    const next = appearance === 'dark' ? 'light' : 'dark'
    localStorage.setItem('appearance', next)
    setChosen(next)
  }
  // The colours of the style sheet follow it, before the effects of charts read them.
  useLayoutEffect(() => {
    document.documentElement.style.colorScheme = appearance
  }, [appearance])
  return <AppearanceContext value={{ appearance, turn }}>{children}</AppearanceContext>
}

export const useAppearance = (): Appearance => useContext(AppearanceContext).appearance

export function TurnAppearance() {
  const { appearance, turn } = useContext(AppearanceContext)
  return (
    <button type="button" className="button soft small" onClick={turn}>
      {appearance === 'dark' ? 'Light' : 'Dark'}
    </button>
  )
}
