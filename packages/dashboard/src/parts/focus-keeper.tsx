/** Where what has the focus goes away, by a live update say, the content gets it: a keyboard stays where it was. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'

export function FocusKeeper({ children }: { readonly children: ReactNode }) {
  const kept = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const here = kept.current
    return () => {
      if (here?.contains(document.activeElement)) document.getElementById('main')?.focus()
    }
  }, [])
  return (
    <div className="kept" ref={kept}>
      {children}
    </div>
  )
}
