/** The rows of a long table or tree that are in view. */
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type Key, type RefObject, useLayoutEffect, useState } from 'react'

/** More rows than that are drawn where one looks. */
const few = 60
/** In px, of a row of a table with one line. */
const tableRowHeight = 33

interface LongList {
  /** Called near each end; again where it was missing meanwhile, as while rows are loaded. */
  readonly onEnd: (() => void) | undefined
  /** In px, of one row. */
  readonly rowHeight?: number
  /** The row of a position, for rows whose heights differ and are measured. */
  readonly keyOf?: (index: number) => Key
}

/** @param long without it, all rows are drawn */
export function useRowsInView(body: RefObject<HTMLElement | null>, count: number, long: LongList | undefined) {
  const { rowHeight = tableRowHeight, keyOf } = long ?? {}
  const [scrollMargin, setScrollMargin] = useState(0)
  // The content above the rows may grow while they are shown.
  useLayoutEffect(() => {
    const measure = () => setScrollMargin(Math.round((body.current?.getBoundingClientRect().top ?? 0) + scrollY))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [body])
  const isAll = long === undefined || count <= few
  const virtual = useWindowVirtualizer({
    count: isAll ? 0 : count,
    estimateSize: () => rowHeight,
    overscan: 3,
    scrollMargin,
    ...(keyOf && { getItemKey: keyOf }),
  })
  const all = virtual.getVirtualItems()
  const first = isAll ? 0 : (all[0]?.index ?? 0)
  const end = isAll ? count : (all.at(-1)?.index ?? -1) + 1
  const hasMore = long?.onEnd !== undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each end, and again if that brought no rows
  useLayoutEffect(() => {
    if (end >= count && !isAll) long?.onEnd?.()
  }, [end, count, hasMore])
  return {
    /** The ref of each row whose height is measured. */
    measure: isAll || !keyOf ? undefined : virtual.measureElement,
    first,
    end,
    before: isAll ? 0 : (all[0]?.start ?? scrollMargin) - scrollMargin,
    after: isAll ? 0 : virtual.getTotalSize() - ((all.at(-1)?.end ?? scrollMargin) - scrollMargin),
  }
}
