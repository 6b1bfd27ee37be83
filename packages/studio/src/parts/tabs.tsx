/** The parts of a view, one of which is shown: links, so that each has an address. */
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { count } from '../format.ts'

interface TabsProps<Tab extends string> {
  readonly label: string
  readonly tabs: readonly {
    readonly tab: Tab
    readonly name: string
    readonly count?: number
    readonly keys?: string
  }[]
  readonly current: Tab
}

export function Tabs<Tab extends string>({ label, tabs, current }: TabsProps<Tab>) {
  const row = useRef<HTMLElement>(null)
  // On a phone the row scrolls, and the page does not.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the link of the part that is shown changes with it
  useEffect(() => {
    const link = row.current?.querySelector<HTMLElement>('[aria-current]')
    if (row.current && link) row.current.scrollLeft = link.offsetLeft + link.offsetWidth - row.current.clientWidth
  }, [current])
  return (
    <nav className="tabs" aria-label={label} ref={row}>
      {tabs.map(({ tab, name, count: counted, keys }) => (
        <Link
          key={tab}
          to="."
          search={(search) => ({ ...search, tab }) as never}
          aria-current={tab === current ? 'true' : undefined}
          aria-keyshortcuts={keys}
          title={keys && `Key: ${keys}`}
        >
          {name} {counted !== undefined && <span>{count(counted)}</span>}
        </Link>
      ))}
    </nav>
  )
}
