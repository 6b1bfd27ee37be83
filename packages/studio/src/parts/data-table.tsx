/**
 * A table of data: every column has a header, and the first column has the headers of the rows. Rows can be selected, and of
 * a long table only the rows in view are drawn.
 */
import {
  type RowData,
  type RowSelectionState,
  rowSelectionFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type Key, type ReactNode, useRef } from 'react'
import { classes, Table } from './ui.tsx'
import { useRowsInView } from './use-rows-in-view.ts'

export interface Column<Row> {
  readonly title: string
  /** The content of its cell in a row. */
  readonly of: (row: Row, index: number) => ReactNode
  /** Aligns the column as numbers are. */
  readonly numeric?: boolean
  /** Leaves the column out on a phone. */
  readonly wideOnly?: boolean
  /** Lets a long word in a cell continue on the next line. */
  readonly breaks?: boolean
  /** Makes the header a button that sorts by the column. */
  readonly sort?: { readonly direction: keyof typeof arrows | undefined; readonly toggle: () => void } | undefined
}

interface DataTableProps<Row> {
  /** An undefined column is not shown. It has a position, so the other columns do not mount again when it appears. */
  readonly columns: readonly (Column<Row> | undefined)[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row, index: number) => Key
  /** Marks the row that the page shows in detail. */
  readonly isCurrent?: (row: Row) => boolean
  /** Puts a checkbox before each row. */
  readonly select?:
    | {
        readonly selected: RowSelectionState
        readonly onSelect: (selected: RowSelectionState) => void
        readonly nameOf: (row: Row) => string
      }
    | undefined
  /** Draws only the rows in view. `onEnd` is called when the reader comes near the end. */
  readonly long?: { readonly onEnd: (() => void) | undefined }
}

const arrows = { ascending: ' ↑', descending: ' ↓' } as const
const features = tableFeatures({ rowSelectionFeature })
/** Cells are drawn from `Column.of`: a cell of the library would mount again with each new function. */
const noColumns: [] = []
const noneSelected = {}

export function DataTable<Row>({ columns, rows, rowKey, isCurrent, select, long }: DataTableProps<Row>) {
  const table = useTable({
    features,
    columns: noColumns,
    data: rows as unknown as readonly RowData[],
    getRowId: (row, index) => String(rowKey(row as Row, index)),
    state: { rowSelection: select?.selected ?? noneSelected },
    onRowSelectionChange: (change) => select?.onSelect(typeof change === 'function' ? change(select.selected) : change),
  })
  /** The row that was selected last: Shift selects from there. */
  const anchor = useRef<string>(undefined)
  const toggle = (id: string, isRange: boolean) => {
    const { rows: all } = table.getRowModel()
    const at = all.findIndex((row) => row.id === id)
    const from = isRange ? all.findIndex((row) => row.id === anchor.current) : -1
    anchor.current = id
    if (from < 0) return all[at]?.toggleSelected()
    const range = all.slice(Math.min(from, at), Math.max(from, at) + 1)
    select?.onSelect({ ...select.selected, ...Object.fromEntries(range.map((row) => [row.id, true])) })
  }
  const body = useRef<HTMLTableSectionElement>(null)
  const { first, end, before, after } = useRowsInView(body, rows.length, long)
  const shown = columns.flatMap((column, position) => {
    if (!column) return []
    const className = classes(column.numeric && 'figure', column.wideOnly && 'roomy')
    return [{ ...column, position, className, cellClassName: classes(className, column.breaks && 'break') }]
  })
  return (
    <Table>
      <thead>
        <tr>
          {select && <td className="select" />}
          {shown.map(({ position, title, className, sort }) => (
            <th key={position} scope="col" className={className} aria-sort={sort?.direction}>
              {sort ? (
                <button type="button" className="sort" onClick={sort.toggle}>
                  {title}
                  <span aria-hidden="true">{sort.direction === undefined ? '' : arrows[sort.direction]}</span>
                </button>
              ) : (
                title
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        <Gap height={before} />
        {table
          .getRowModel()
          .rows.slice(first, end)
          .map((row) => {
            const { index } = row
            const original = row.original as Row
            return (
              <tr
                key={row.id}
                aria-current={isCurrent?.(original) || undefined}
                aria-rowindex={long ? index + 2 : undefined}
              >
                {select && (
                  <td className="select">
                    <input
                      type="checkbox"
                      aria-label={`Select ${select.nameOf(original)}`}
                      checked={row.getIsSelected()}
                      onChange={({ nativeEvent }) => toggle(row.id, (nativeEvent as MouseEvent).shiftKey === true)}
                    />
                  </td>
                )}
                {shown.map(({ position, of, cellClassName }) =>
                  position === 0 ? (
                    <th key={position} scope="row" className={cellClassName}>
                      {of(original, index)}
                    </th>
                  ) : (
                    <td key={position} className={cellClassName}>
                      {of(original, index)}
                    </td>
                  ),
                )}
              </tr>
            )
          })}
        <Gap height={after} />
      </tbody>
    </Table>
  )
}

/** In place of the rows that are not drawn. */
function Gap({ height }: { readonly height: number }) {
  if (height <= 0) return null
  return (
    <tr>
      <td style={{ height, padding: 0 }} />
    </tr>
  )
}
