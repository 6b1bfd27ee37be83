/** The navigation of a phone: a bar of the views that are needed on the way, and the others behind More. */
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import type { ViewPath } from '../routes.ts'

interface BottomBarProps {
  readonly views: readonly { readonly to: ViewPath; readonly name: string }[]
  /** The name of the view that is shown. */
  readonly current: string
  readonly openRequests: number
  /** The navigation of all views. */
  readonly children: ReactNode
}

/** The views of the bar, and the paths of their icons in a square of 16. */
const inBar: Partial<Record<ViewPath, string>> = {
  '/home': 'M2.5 7 8 2.5 13.5 7v6a.5.5 0 0 1-.5.5H10v-4H6v4H3a.5.5 0 0 1-.5-.5z',
  '/runs': 'M2.5 4h6M2.5 8h11M5.5 12h8',
  '/chat': 'M2.5 3.5h11v8H7l-3 2.5v-2.5H2.5z',
}
const moreIcon = 'M3.5 8h.01M8 8h.01M12.5 8h.01'

export function BottomBar({ views, current, openRequests, children }: BottomBarProps) {
  const sheet = useRef<HTMLDivElement>(null)
  const close = () => sheet.current?.hidePopover()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view closes the list of views
  useEffect(close, [current])
  const shown = views.filter(({ to }) => inBar[to] !== undefined)
  const isOther = !shown.some(({ name }) => name === current)
  return (
    <>
      <nav aria-label="Main views" className="bottom-bar">
        {shown.map(({ to, name }) => (
          <Link key={to} to={to}>
            <Icon path={inBar[to] ?? ''} />
            {name}
            {to === '/home' && openRequests > 0 && <span className="chip ask">{openRequests}</span>}
          </Link>
        ))}
        <button type="button" popoverTarget="all-views" aria-current={isOther || undefined}>
          <Icon path={moreIcon} />
          More
        </button>
      </nav>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the links inside take the keys; a press on one closes the list */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
      <div id="all-views" popover="auto" ref={sheet} className="sheet" onClick={close}>
        {children}
      </div>
    </>
  )
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  )
}
