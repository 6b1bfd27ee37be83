/** The rows of a timeline as a tree with one tab stop. Of a long run only the rows in view are drawn. */
import {
  type CSSProperties,
  type FocusEvent,
  type KeyboardEvent,
  type ReactNode,
  useMemo,
  useRef,
  useState,
} from 'react'
import { flushSync } from 'react-dom'
import { useRowsInView } from '../parts/use-rows-in-view.ts'

export interface TreeRow {
  readonly key: string
  readonly level: number
  /** Undefined for a row that holds no others. */
  readonly isExpanded?: boolean
  readonly open: () => void
  readonly cells: () => ReactNode
}

interface TimelineTreeProps {
  readonly rows: readonly TreeRow[]
  /** The key of the row that is opened. */
  readonly chosen: string | undefined
  /** Folds the row that is unfolded. */
  readonly close: () => void
}

const phone = matchMedia('(max-width: 40rem)')
/** In rem, of a row of one line, as the style sheet has them. */
const heights = { phone: 2.75, wide: 2 } as const

/** In px. */
const heightOfRow = (): number =>
  Number.parseFloat(getComputedStyle(document.documentElement).fontSize) *
  (phone.matches ? heights.phone : heights.wide)

export function TimelineTree({ rows, chosen, close }: TimelineTreeProps) {
  const tree = useRef<HTMLDivElement>(null)
  const [focused, setFocused] = useState<string>()
  const [rowHeight] = useState(heightOfRow)
  const { first, end, before, after } = useRowsInView(tree, rows.length, { onEnd: undefined, rowHeight })
  const at = rows.findIndex(({ key }) => key === focused)
  const chosenAt = rows.findIndex(({ key }) => key === chosen)
  // The row with the focus would lose it, and Tab would not find the opened one, if either were not drawn.
  const outside = [...new Set([at, chosenAt])].filter((index) => index >= 0 && (index < first || index >= end))
  const siblings = useMemo(() => siblingPositionsOf(rows), [rows])
  const inView = Array.from({ length: Math.max(0, Math.min(end, rows.length) - first) }, (_, i) => first + i)
  const drawn = [...outside, ...inView].sort((a, b) => a - b)
  const focusRow = (index: number) => {
    const row = rows[index]
    if (!row) return
    flushSync(() => setFocused(row.key))
    tree.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus()
  }
  return (
    <div
      className="timeline"
      role="tree"
      aria-label="Steps"
      ref={tree}
      style={{ paddingBlock: `${before}px ${after}px` }}
      onKeyDown={(event) => moveFocus(event, { rows, at, focusRow, close })}
      onFocus={({ target }: FocusEvent) => setFocused(rows[Number((target as HTMLElement).dataset.index)]?.key)}
      onBlur={({ relatedTarget }: FocusEvent) => {
        if (!tree.current?.contains(relatedTarget)) setFocused(undefined)
      }}
    >
      {drawn.map((index) => {
        const { key, level, isExpanded, open, cells } = rows[index] as TreeRow
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys of all rows
          <div
            key={key}
            data-index={index}
            role="treeitem"
            className="step"
            aria-level={level}
            aria-posinset={siblings[index]?.position}
            aria-setsize={siblings[index]?.set.size}
            aria-expanded={isExpanded}
            aria-selected={index === chosenAt}
            tabIndex={index === (chosenAt < 0 ? first : chosenAt) ? 0 : -1}
            style={
              {
                '--indent': `${(level - 1) * 0.75}rem`,
                ...(outside.includes(index) ? { position: 'absolute', insetInline: 0, top: index * rowHeight } : {}),
              } as CSSProperties
            }
            onClick={open}
          >
            {cells()}
          </div>
        )
      })}
    </div>
  )
}

interface SiblingPosition {
  /** Counted from 1 among the rows of one level below the same row. */
  readonly position: number
  readonly set: { size: number }
}

/** Returns the position of each row among its siblings: a reader of the page does not find rows that are not drawn. */
function siblingPositionsOf(rows: readonly TreeRow[]): readonly SiblingPosition[] {
  const open: { size: number }[] = []
  return rows.map(({ level }) => {
    open.length = Math.min(open.length, level)
    const set = open[level - 1] ?? { size: 0 }
    open[level - 1] = set
    set.size++
    return { position: set.size, set }
  })
}

interface Moving extends Pick<TimelineTreeProps, 'rows' | 'close'> {
  /** The index of the row with the focus. */
  readonly at: number
  readonly focusRow: (index: number) => void
}

/**
 * Up and down move within the tree, Enter or Space opens the row, right unfolds a step, and left folds it or goes from a call
 * to its step.
 */
function moveFocus(event: KeyboardEvent<HTMLElement>, { rows, at, focusRow, close }: Moving): void {
  const { key } = event
  const row = rows[at]
  const isStep = row?.isExpanded !== undefined
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: Math.min(at + 1, rows.length - 1),
    ArrowUp: Math.max(at - 1, 0),
    Home: 0,
    End: rows.length - 1,
  }
  const target = targets[key]
  if (key === 'Enter' || key === ' ' || (key === 'ArrowRight' && isStep && !row.isExpanded)) row?.open()
  else if (key === 'ArrowLeft' && row?.isExpanded) close()
  else if (key === 'ArrowLeft' && !isStep)
    focusRow(rows.slice(0, Math.max(at, 0)).findLastIndex(({ isExpanded }) => isExpanded !== undefined))
  else if (target !== undefined) focusRow(target)
  else return
  event.preventDefault()
}
