/** The rows of a long table that are in view. */
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useLayoutEffect, useState } from 'react'

/** More rows than that are drawn where one looks. */
const few = 60
/** In px, of a row of one line. */
const rowHeight = 38

/** @param long `onEnd`: called once near each end. Without `long`, all rows are drawn. */
export function useRowsInView(
  body: RefObject<HTMLElement | null>,
  count: number,
  long: { readonly onEnd: (() => void) | undefined } | undefined,
) {
  const [scrollMargin, setScrollMargin] = useState(0)
  useLayoutEffect(() => {
    setScrollMargin((body.current?.getBoundingClientRect().top ?? 0) + scrollY)
  }, [body])
  const isAll = long === undefined || count <= few
  const virtual = useWindowVirtualizer({
    count: isAll ? 0 : count,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin,
  })
  const all = virtual.getVirtualItems()
  const first = isAll ? 0 : (all[0]?.index ?? 0)
  const end = isAll ? count : (all.at(-1)?.index ?? -1) + 1
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each end
  useLayoutEffect(() => {
    if (end >= count && !isAll) long?.onEnd?.()
  }, [end, count])
  return {
    first,
    end,
    before: isAll ? 0 : (all[0]?.start ?? scrollMargin) - scrollMargin,
    after: isAll ? 0 : virtual.getTotalSize() - ((all.at(-1)?.end ?? scrollMargin) - scrollMargin),
  }
}
