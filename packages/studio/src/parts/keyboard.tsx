/**
 * Keys for places, the search of a list, its rows, and the controls of a view. A control names its key in
 * `aria-keyshortcuts`. Keys act outside of fields, and can be switched off (WCAG 2.1.4).
 */
import { useNavigate } from '@tanstack/react-router'
import { Suspense, useEffect, useRef, useState } from 'react'
import type { ViewPath } from '../routes.ts'
import { lazyPart } from './load-part.ts'
import { Button, Flex, Heading, Text } from './ui.tsx'
import { useSetting } from './use-setting.ts'
import './keyboard.css'

const KeyList = lazyPart(() => import('./key-list.tsx'))

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
  p: '/playground',
}
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

/** Keys that move the focus, so that Enter confirms: a slip of the hand answers nothing. */
const focusing = new Set(['a', 'r', 'i'])
/** Controls that the Space bar presses by itself. */
const pressedBySpace = 'button, a, summary, [role=treeitem]'
const names: Readonly<Record<string, string>> = { ' ': 'Space' }

/** Returns the control of the key: the one in the row or the panel with the focus, else the first of the view. */
function controlOf(key: string): HTMLElement | undefined {
  const selector = `main [aria-keyshortcuts~="${CSS.escape(names[key] ?? key)}"]:not(:disabled, [aria-disabled=true])`
  const all = [...document.querySelectorAll<HTMLElement>(selector)].filter((control) => control.checkVisibility())
  const container = document.activeElement?.closest('li, tr, .card, .inspector, .opened')
  const here = all.find((control) => container?.contains(control))
  return here ?? (key === 'l' ? undefined : all[0])
}

/** @returns whether the view has a control of the key */
function actOn(key: string, target: EventTarget | null): boolean {
  if (key === ' ' && target instanceof Element && target.closest(pressedBySpace)) return false
  const control = controlOf(key)
  if (focusing.has(key)) control?.focus()
  else control?.click()
  return control !== undefined
}

/** Selects the row with the focus, or with Shift all rows from the one that was selected before. */
function selectRow(shiftKey: boolean): void {
  const box = document.activeElement?.closest('main tr')?.querySelector('td.select input')
  box?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey }))
}

/** ms for which the page says that the link is copied. */
const announcedMs = 2_000

function useKeysSetting(): readonly [boolean, (on: boolean) => void] {
  const [value, choose] = useSetting(setting)
  return [value !== 'off', (on) => choose(on ? null : 'off')]
}

export function KeysSetting() {
  const [isOn, turn] = useKeysSetting()
  return (
    <Text as="label">
      <input type="checkbox" checked={isOn} onChange={({ target }) => turn(target.checked)} /> Keyboard shortcuts
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
  const [announcement, setAnnouncement] = useState('')
  const [isListed, setIsListed] = useState(false)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const announce = (text: string) => {
      clearTimeout(timer)
      timer = setTimeout(() => setAnnouncement(''), announcedMs)
      setAnnouncement(text)
    }
    const copyLink = async () => navigator.clipboard.writeText(location.href)
    let pairUntil = 0
    const act = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey } = event
      // The palette would open behind the list.
      if (dialog.current?.open) return
      if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === 'k') {
        event.preventDefault()
        return palette.current()
      }
      if (ctrlKey || metaKey || altKey || isField(target)) return
      const view = performance.now() < pairUntil ? views[key] : undefined
      pairUntil = key === 'g' ? performance.now() + pairMs : 0
      if (!isOn) return
      if (key === '?') {
        setIsListed(true)
        dialog.current?.showModal()
      } else if (view) void go.current({ to: view })
      else if (key === '/') document.querySelector<HTMLInputElement>('main input[type=search]')?.focus()
      else if (key === 'j' || key === 'k') moveRow(key === 'j' ? 1 : -1)
      else if (key === 'x' || key === 'X') selectRow(key === 'X')
      else if (actOn(key, target)) pairUntil = 0
      else if (key === 'l')
        void copyLink().then(
          () => announce('Link copied'),
          () => announce('Link not copied'),
        )
      else return
      event.preventDefault()
    }
    addEventListener('keydown', act)
    return () => {
      clearTimeout(timer)
      removeEventListener('keydown', act)
    }
  }, [isOn])
  return (
    <>
      <p role="status" aria-label="Keys" className="announcement">
        {announcement}
      </p>
      <dialog ref={dialog} className="keys" aria-labelledby="keys">
        <Flex align="center" justify="between" gap="3" mb="3">
          <Heading as="h2" id="keys">
            Keys
          </Heading>
          <Button look="soft" small onClick={() => dialog.current?.close()}>
            Close
          </Button>
        </Flex>
        {isListed && (
          <Suspense fallback={null}>
            <KeyList />
          </Suspense>
        )}
        <KeysSetting />
      </dialog>
    </>
  )
}
