/** A table of runs. Of many only the rows in view are drawn. */
import { type RowSelectionState, useTable } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState } from 'react'
import type { Summary } from '../api/shapes.ts'
import type { RunOrder } from '../routes.ts'
import { columnOrders, features, numericColumns, runColumns, wideOnlyColumns } from './run-columns.tsx'
import { classes, Table } from './ui.tsx'

interface RunTableProps {
  readonly runs: readonly Summary[]
  /** The order and the selection, where the reader can change both. */
  readonly control?: {
    readonly order: RunOrder
    readonly onOrder: (order: RunOrder) => void
    readonly selected: RowSelectionState
    /** Undefined where the reader has no command for runs. */
    readonly onSelect: ((selected: RowSelectionState) => void) | undefined
  }
  /** Called when the reader comes near the end. */
  readonly onEnd?: (() => void) | undefined
}

/** More rows than that are drawn where one looks. */
const few = 60
/** In px, of a row of one line. */
const rowHeight = 38
const none = {}

export function RunTable({ runs, control, onEnd }: RunTableProps) {
  const table = useTable({
    features,
    columns: runColumns,
    data: runs as Summary[],
    getRowId: ({ id }) => id,
    state: { rowSelection: control?.selected ?? none },
    onRowSelectionChange: (change) =>
      control?.onSelect?.(typeof change === 'function' ? change(control.selected) : change),
  })
  const { rows } = table.getRowModel()
  const body = useRef<HTMLTableSectionElement>(null)
  const { first, end, before, after } = useRowsInView(body, rows.length, onEnd)
  return (
    <Table>
      <thead>
        {table.getHeaderGroups().map(({ id, headers }) => (
          <tr key={id}>
            {control?.onSelect && <td className="select" />}
            {headers.map((header) => {
              const order = columnOrders[header.id]
              const sorted = control && order && sortedBy(header.id, control.order)
              return (
                <th key={header.id} scope="col" className={classOf(header.id)} aria-sort={sorted}>
                  {control && order ? (
                    <button
                      type="button"
                      className="sort"
                      onClick={() => control.onOrder(control.order === order ? 'newest' : order)}
                    >
                      <table.FlexRender header={header} />
                      <span aria-hidden="true">{sorted === undefined ? '' : arrows[sorted]}</span>
                    </button>
                  ) : (
                    <table.FlexRender header={header} />
                  )}
                </th>
              )
            })}
          </tr>
        ))}
      </thead>
      <tbody ref={body}>
        <Gap height={before} />
        {rows.slice(first, end).map((row) => (
          <tr key={row.id} aria-rowindex={row.index + 2}>
            {control?.onSelect && (
              <td className="select">
                <input
                  type="checkbox"
                  aria-label={`Select ${row.original.title || row.id}`}
                  checked={row.getIsSelected()}
                  onChange={row.getToggleSelectedHandler()}
                />
              </td>
            )}
            {row.getAllCells().map((cell) =>
              cell.column.id === 'title' ? (
                <th key={cell.id} scope="row" className="break">
                  <table.FlexRender cell={cell} />
                </th>
              ) : (
                <td key={cell.id} className={classOf(cell.column.id)}>
                  <table.FlexRender cell={cell} />
                </td>
              ),
            )}
          </tr>
        ))}
        <Gap height={after} />
      </tbody>
    </Table>
  )
}

const arrows = { ascending: ' ↑', descending: ' ↓' } as const

/** A run that was started late has a low age. */
function sortedBy(column: string, order: RunOrder): keyof typeof arrows | undefined {
  if (column === 'started') return order === 'newest' ? 'ascending' : order === 'oldest' ? 'descending' : undefined
  return columnOrders[column] === order ? 'descending' : undefined
}

const classOf = (column: string) =>
  classes(wideOnlyColumns.has(column) && 'roomy', numericColumns.has(column) && 'figure')

/** In place of the rows that are not drawn. */
function Gap({ height }: { readonly height: number }) {
  if (height <= 0) return null
  return (
    <tr>
      <td style={{ height, padding: 0 }} />
    </tr>
  )
}

function useRowsInView(body: React.RefObject<HTMLElement | null>, count: number, onEnd: (() => void) | undefined) {
  const [scrollMargin, setScrollMargin] = useState(0)
  useLayoutEffect(() => {
    setScrollMargin((body.current?.getBoundingClientRect().top ?? 0) + scrollY)
  }, [body])
  const virtual = useWindowVirtualizer({ count, estimateSize: () => rowHeight, overscan: 12, scrollMargin })
  const all = virtual.getVirtualItems()
  const isAll = count <= few
  const first = isAll ? 0 : (all[0]?.index ?? 0)
  const end = isAll ? count : (all.at(-1)?.index ?? -1) + 1
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each end
  useLayoutEffect(() => {
    if (end >= count && !isAll) onEnd?.()
  }, [end, count])
  return {
    first,
    end,
    before: isAll ? 0 : (all[0]?.start ?? scrollMargin) - scrollMargin,
    after: isAll ? 0 : virtual.getTotalSize() - ((all.at(-1)?.end ?? scrollMargin) - scrollMargin),
  }
}
