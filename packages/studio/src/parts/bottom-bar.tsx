/** The navigation of a phone: a bar of the views that are needed on the way, and the others behind More. */
import { Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import type { ViewPath } from '../routes.ts'
import { ViewIcon } from './view-icon.tsx'

interface BottomBarProps {
  readonly views: readonly { readonly to: ViewPath; readonly name: string }[]
  /** The name of the view that is shown. */
  readonly current: string
  readonly openRequests: number
  /** The navigation of all views. */
  readonly children: ReactNode
}

const inBar = new Set<ViewPath>(['/home', '/runs', '/chat'])

export function BottomBar({ views, current, openRequests, children }: BottomBarProps) {
  const sheet = useRef<HTMLDivElement>(null)
  const close = () => sheet.current?.hidePopover()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view closes the list of views
  useEffect(close, [current])
  const shown = views.filter(({ to }) => inBar.has(to))
  const isOther = !shown.some(({ name }) => name === current)
  return (
    <>
      <nav aria-label="Main views" className="bottom-bar">
        {shown.map(({ to, name }) => (
          <Link key={to} to={to}>
            <ViewIcon to={to} />
            {name}
            {to === '/home' && openRequests > 0 && <span className="chip ask">{openRequests}</span>}
          </Link>
        ))}
        <button type="button" popoverTarget="all-views" aria-current={isOther || undefined}>
          <Ellipsis aria-hidden="true" />
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
