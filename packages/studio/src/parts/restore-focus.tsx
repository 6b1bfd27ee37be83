/** Where what has the focus goes away, by a live update say, the content gets it: a keyboard stays where it was. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'

export function RestoreFocus({ children }: { readonly children: ReactNode }) {
  const container = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const here = container.current
    return () => {
      if (here?.contains(document.activeElement)) document.getElementById('main')?.focus()
    }
  }, [])
  return (
    <div className="kept" ref={container}>
      {children}
    </div>
  )
}
