/**
 * Where what has the focus goes away, by a live update say, its place in a list gets the focus, which is marked with
 * `data-takes-focus`; without such a place the content does. A keyboard stays where it was.
 */
import { type ReactNode, type RefObject, useLayoutEffect, useRef } from 'react'

/**
 * Moves the focus if it is within an element that goes away.
 * @param find finds the element that gets the focus, before the change and, if that goes away too, after it; the content gets
 * the focus if there is none
 */
export function useRestoredFocus(
  within: RefObject<HTMLElement | null>,
  find: (gone: HTMLElement) => HTMLElement | null,
) {
  const latest = useRef(find)
  latest.current = find
  useLayoutEffect(() => {
    const gone = within.current
    return () => {
      if (!gone?.contains(document.activeElement)) return
      const before = latest.current(gone)
      // While React changes the page, its listeners do not hear of the focus.
      queueMicrotask(() => {
        if (document.activeElement !== document.body) return
        const found = before?.isConnected ? before : latest.current(gone)
        const target = found ?? document.getElementById('main')
        target?.focus({ preventScroll: true })
      })
    }
  }, [within])
}

export function RestoreFocus({ children }: { readonly children: ReactNode }) {
  const container = useRef<HTMLDivElement>(null)
  useRestoredFocus(container, (gone) => gone.closest<HTMLElement>('[data-takes-focus]'))
  return (
    <div className="kept" ref={container}>
      {children}
    </div>
  )
}
