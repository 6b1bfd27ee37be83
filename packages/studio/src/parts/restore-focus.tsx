/**
 * Where what has the focus goes away, by a live update say, its place in a list gets the focus, which is marked with
 * `data-takes-focus`; without such a place the content does. A keyboard stays where it was.
 */
import { type ReactNode, useLayoutEffect, useRef } from 'react'

export function RestoreFocus({ children }: { readonly children: ReactNode }) {
  const container = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const here = container.current
    return () => {
      if (!here?.contains(document.activeElement)) return
      const item = here.closest<HTMLElement>('[data-takes-focus]')
      if (item) item.focus({ preventScroll: true })
      else document.getElementById('main')?.focus()
    }
  }, [])
  return (
    <div className="kept" ref={container}>
      {children}
    </div>
  )
}
