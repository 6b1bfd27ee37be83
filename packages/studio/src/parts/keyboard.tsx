/** Keys for places, the search of a list and its rows. They act outside of fields, and can be switched off (WCAG 2.1.4). */
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { ViewPath } from '../routes.ts'
import { Button, Flex, Heading, Text } from './ui.tsx'
import { useSetting } from './use-setting.ts'

/** After `g`, the view. */
const views: Readonly<Record<string, ViewPath>> = {
  h: '/home',
  r: '/runs',
  c: '/context',
  m: '/messages',
  s: '/schedules',
  a: '/agents',
  t: '/try',
  d: '/chat',
  e: '/teams',
  u: '/usage',
  k: '/keys',
  l: '/audit',
  v: '/evaluations',
  o: '/health',
  x: '/settings',
}
const keys: readonly (readonly [keys: string, action: string])[] = [
  ['Ctrl K or ⌘ K', 'command palette: go to a view, a team or a run'],
  ['g h, g r, g d', 'Home, Runs, Chat'],
  ['g c, g m', 'Context, Messages'],
  ['g e, g a, g s', 'Teams, Agents, Schedules'],
  ['g v, g u, g o', 'Evaluations, Usage, Health'],
  ['g k, g l', 'API keys, Audit'],
  ['g t, g x', 'Try it, Settings'],
  ['/', 'search in the list'],
  ['j, k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['?', 'this list'],
  ['Esc', 'close it'],
]
const setting = 'keys'
/** ms within which the second key of a pair comes. */
const pairMs = 1_500

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null

function moveRow(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('main tbody th a')]
  const at = links.indexOf(document.activeElement as HTMLAnchorElement)
  const next = at < 0 ? (by === 1 ? 0 : links.length - 1) : at + by
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus()
}

function useKeysSetting(): readonly [boolean, (on: boolean) => void] {
  const [value, choose] = useSetting(setting)
  return [value !== 'off', (on) => choose(on ? null : 'off')]
}

export function KeysSetting() {
  const [isOn, turn] = useKeysSetting()
  return (
    <Text as="label">
      <input type="checkbox" checked={isOn} onChange={({ target }) => turn(target.checked)} /> Keys act on this page
    </Text>
  )
}

export function Keyboard({ openPalette }: { readonly openPalette: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [isOn] = useKeysSetting()
  const navigate = useNavigate()
  const go = useRef(navigate)
  go.current = navigate
  const palette = useRef(openPalette)
  palette.current = openPalette
  useEffect(() => {
    let pairUntil = 0
    const act = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey } = event
      if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === 'k') {
        event.preventDefault()
        return palette.current()
      }
      if (ctrlKey || metaKey || altKey || isField(target) || dialog.current?.open) return
      const view = performance.now() < pairUntil ? views[key] : undefined
      pairUntil = key === 'g' ? performance.now() + pairMs : 0
      if (key === '?') dialog.current?.showModal()
      else if (!isOn) return
      else if (view) void go.current({ to: view })
      else if (key === '/') document.querySelector<HTMLInputElement>('main form input[type=search]')?.focus()
      else if (key === 'j' || key === 'k') moveRow(key === 'j' ? 1 : -1)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', act)
    return () => removeEventListener('keydown', act)
  }, [isOn])
  return (
    <dialog ref={dialog} className="keys" aria-labelledby="keys">
      <Flex align="center" justify="between" gap="3" mb="3">
        <Heading as="h2" id="keys">
          Keys
        </Heading>
        <Button look="soft" small onClick={() => dialog.current?.close()}>
          Close
        </Button>
      </Flex>
      <dl>
        {keys.map(([names, action]) => (
          <div key={names}>
            <dt>
              <kbd>{names}</kbd>
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
      <KeysSetting />
    </dialog>
  )
}
