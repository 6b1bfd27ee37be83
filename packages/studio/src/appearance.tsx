/** Light or dark: as the system has it, until somebody chooses. */
import { createContext, type ReactNode, useContext, useLayoutEffect, useSyncExternalStore } from 'react'
import { Button, Flex, Select, Text } from './parts/ui.tsx'
import { useSetting } from './parts/use-setting.ts'

type Appearance = 'light' | 'dark'

const dark = matchMedia('(prefers-color-scheme: dark)')
const subscribe = (changed: () => void) => {
  dark.addEventListener('change', changed)
  return () => dark.removeEventListener('change', changed)
}
const AppearanceContext = createContext<Appearance>('light')
const setting = 'appearance'

export function AppearanceProvider({ children }: { readonly children: ReactNode }) {
  const system: Appearance = useSyncExternalStore(subscribe, () => dark.matches) ? 'dark' : 'light'
  const [chosen] = useSetting(setting)
  const appearance = chosen === 'light' || chosen === 'dark' ? chosen : system
  // The colours of the style sheet follow it, before the effects of charts read them.
  useLayoutEffect(() => {
    document.documentElement.dataset.appearance = appearance
  }, [appearance])
  return <AppearanceContext value={appearance}>{children}</AppearanceContext>
}

export const useAppearance = (): Appearance => useContext(AppearanceContext)

export function TurnAppearance() {
  const appearance = useAppearance()
  const [, choose] = useSetting(setting)
  return (
    <Button look="soft" small className="theme" onClick={() => choose(appearance === 'dark' ? 'light' : 'dark')}>
      {appearance === 'dark' ? 'Light theme' : 'Dark theme'}
    </Button>
  )
}

const choices = [
  { value: 'system', label: 'As the system has it' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const

export function ChooseAppearance() {
  const [chosen, choose] = useSetting(setting)
  return (
    <Flex gap="2" align="center">
      <Text id="appearance">Appearance</Text>
      <Select
        labelledBy="appearance"
        value={choices.find(({ value }) => value === chosen)?.value ?? 'system'}
        onChoose={(value) => choose(value === 'system' ? null : value)}
        options={choices}
      />
    </Flex>
  )
}
