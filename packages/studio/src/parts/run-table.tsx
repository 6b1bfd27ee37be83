/** A table of runs. Of many only the rows in view are drawn. */
import { type RowSelectionState, type SortingState, useTable } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState } from 'react'
import type { Summary } from '../api/shapes.ts'
import { features, numericColumns, runColumns, wideOnlyColumns } from './run-columns.tsx'
import { Table } from './ui.tsx'

interface RunTableProps {
  readonly runs: readonly Summary[]
  /** Where the reader may sort and select: the state of both, which is kept elsewhere. */
  readonly control?: {
    readonly sorting: SortingState
    readonly onSort: (sorting: SortingState) => void
    readonly selected: RowSelectionState
    readonly onSelect: (selected: RowSelectionState) => void
  }
  /** Called when the reader comes near the end. */
  readonly onEnd?: (() => void) | undefined
}

/** More rows than that are drawn where one looks. */
const few = 60
/** In px, of a row of one line. */
const rowHeight = 38
const none = {}
const unsorted: SortingState = []

export function RunTable({ runs, control, onEnd }: RunTableProps) {
  const table = useTable({
    features,
    columns: runColumns,
    data: runs as Summary[],
    getRowId: ({ id }) => id,
    enableSorting: control !== undefined,
    state: { sorting: control?.sorting ?? unsorted, rowSelection: control?.selected ?? none },
    onSortingChange: (change) => control?.onSort(typeof change === 'function' ? change(control.sorting) : change),
    onRowSelectionChange: (change) =>
      control?.onSelect(typeof change === 'function' ? change(control.selected) : change),
  })
  const { rows } = table.getRowModel()
  const body = useRef<HTMLTableSectionElement>(null)
  const { first, end, before, after } = useRowsInView(body, rows.length, onEnd)
  return (
    <Table>
      <thead>
        {table.getHeaderGroups().map(({ id, headers }) => (
          <tr key={id}>
            {control && <td className="select" />}
            {headers.map((header) => {
              const sorted = header.column.getIsSorted()
              return (
                <th
                  key={header.id}
                  scope="col"
                  className={classOf(header.id)}
                  aria-sort={sorted === false ? undefined : sorted === 'asc' ? 'ascending' : 'descending'}
                >
                  {control ? (
                    <button type="button" className="sort" onClick={header.column.getToggleSortingHandler()}>
                      <table.FlexRender header={header} />
                      <span aria-hidden="true">{sorted === 'asc' ? ' ↑' : sorted === 'desc' ? ' ↓' : ''}</span>
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
            {control && (
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

const classOf = (column: string) =>
  [wideOnlyColumns.has(column) && 'roomy', numericColumns.has(column) && 'figure'].filter(Boolean).join(' ') ||
  undefined

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
