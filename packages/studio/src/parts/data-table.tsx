/**
 * A table of data: every column has a header, and the first column has the headers of the rows. Rows can be sorted and selected,
 * and of a long table only the rows in view are drawn.
 */
import {
  type ColumnDef,
  type ColumnVisibilityState,
  columnVisibilityFeature,
  createSortedRowModel,
  functionalUpdate,
  metaHelper,
  type Row,
  type RowData,
  type RowSelectionState,
  rowSelectionFeature,
  rowSortingFeature,
  type SortDirection,
  type SortingState,
  sortFn_alphanumeric,
  sortFn_text,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type Key, memo, type ReactNode, useCallback, useRef } from 'react'
import { classes, Table } from './ui.tsx'
import { useRowsInView } from './use-rows-in-view.ts'

interface ColumnMeta {
  /** Aligns the column as numbers are. */
  readonly numeric?: boolean
  /** Leaves the column out on a phone. */
  readonly wideOnly?: boolean
  /** Lets a long word in a cell continue on the next line. */
  readonly breaks?: boolean
}

const features = tableFeatures({
  columnMeta: metaHelper<ColumnMeta>(),
  columnVisibilityFeature,
  rowSelectionFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text },
})

/** A column with an `accessorFn` can be sorted by the values that the function returns. */
export type Column<Data extends RowData> = ColumnDef<typeof features, Data>

/** Returns the cell of a column definition: it shows what the function makes of the row. */
export const fromRow =
  <Data,>(content: (row: Data) => ReactNode) =>
  ({ row }: { readonly row: { readonly original: Data } }): ReactNode =>
    content(row.original)

interface DataTableProps<Data extends RowData> {
  readonly columns: readonly Column<NoInfer<Data>>[]
  /** The columns that come and go, by their ids: those with `false` are not shown. */
  readonly visibility?: ColumnVisibilityState
  readonly rows: readonly Data[]
  readonly rowKey: (row: NoInfer<Data>, index: number) => Key
  /** Marks the row that the page shows in detail. */
  readonly isCurrent?: (row: NoInfer<Data>) => boolean
  /** Puts a checkbox before each row. */
  readonly select?:
    | {
        readonly selected: RowSelectionState
        readonly onSelect: (selected: RowSelectionState) => void
        readonly nameOf: (row: NoInfer<Data>) => string
      }
    | undefined
  /** The order in which the server lists the rows. Without it, the page sorts the rows. */
  readonly serverSort?: { readonly sorting: SortingState; readonly onSort: (sorting: SortingState) => void } | undefined
  /** True for some rows of a longer list: the page does not offer to sort them, because it would not sort the list. */
  readonly isPart?: boolean
  /** Draws only the rows in view. `onEnd` is called when the reader comes near the end. */
  readonly long?: { readonly onEnd: (() => void) | undefined }
}

const allShown: ColumnVisibilityState = {}
const noneSelected: RowSelectionState = {}
/** A row without a value has no place in an order, so it follows the others. */
const defaultColumn = { sortUndefined: 'last' } as const

export function DataTable<Data extends RowData>(props: DataTableProps<Data>) {
  const { columns, visibility = allShown, rows, rowKey, isCurrent, select, serverSort, isPart = false, long } = props
  const table = useTable({
    features,
    columns,
    defaultColumn,
    data: rows,
    getRowId: (row, index) => String(rowKey(row, index)),
    state: {
      columnVisibility: visibility,
      rowSelection: select?.selected ?? noneSelected,
      ...(serverSort && { sorting: serverSort.sorting }),
    },
    enableMultiSort: false,
    enableSorting: !isPart,
    ...(serverSort && {
      manualSorting: true,
      // A list of the server always has an order.
      enableSortingRemoval: false,
      sortDescFirst: true,
      onSortingChange: (change) => serverSort.onSort(functionalUpdate(change, serverSort.sorting)),
    }),
    ...(select && {
      onRowSelectionChange: (change) => select.onSelect(functionalUpdate(change, select.selected)),
    }),
  })
  const body = useRef<HTMLTableSectionElement>(null)
  const all = table.getRowModel().rows
  const keyOf = useCallback((index: number) => all[index]?.id ?? index, [all])
  const { first, end, before, after, measure } = useRowsInView(body, rows.length, long && { ...long, keyOf })
  return (
    <Table>
      <thead>
        {table.getHeaderGroups().map(({ id, headers }) => (
          <tr key={id}>
            {select && <td className="select" />}
            {headers.map((header) => {
              const { column } = header
              const title = draw(column.columnDef.header, header.getContext())
              const sorted = column.getIsSorted()
              return (
                <th
                  key={column.id}
                  scope="col"
                  className={headerClass(column.columnDef.meta)}
                  aria-sort={sorted === false ? undefined : sortNames[sorted]}
                >
                  {column.getCanSort() ? (
                    <button type="button" className="sort" onClick={column.getToggleSortingHandler()}>
                      {title}
                      <span aria-hidden="true">{sorted === false ? '' : arrows[sorted]}</span>
                    </button>
                  ) : (
                    title
                  )}
                </th>
              )
            })}
          </tr>
        ))}
      </thead>
      <tbody ref={body}>
        <Gap height={before} />
        {all.slice(first, end).map((row, i) => (
          <BodyRow
            key={row.id}
            row={row}
            columns={columns}
            visibility={visibility}
            index={first + i}
            isLong={long !== undefined}
            isCurrent={isCurrent?.(row.original) ?? false}
            name={select?.nameOf(row.original)}
            isSelected={row.getIsSelected()}
            measure={measure}
          />
        ))}
        <Gap height={after} />
      </tbody>
    </Table>
  )
}

interface BodyRowProps<Data extends RowData> {
  readonly row: Row<typeof features, Data>
  /** The columns and their visibility decide the cells of the row. */
  readonly columns: readonly Column<Data>[]
  readonly visibility: ColumnVisibilityState
  readonly index: number
  readonly isLong: boolean
  readonly isCurrent: boolean
  /** The name of a row that can be selected. */
  readonly name: string | undefined
  readonly isSelected: boolean
  readonly measure: ((element: HTMLTableRowElement | null) => void) | undefined
}

function PlainRow<Data extends RowData>(props: BodyRowProps<Data>) {
  const { row, index, isLong, isCurrent, name, isSelected, measure } = props
  return (
    <tr
      ref={measure}
      data-index={index}
      aria-current={isCurrent || undefined}
      aria-rowindex={isLong ? index + 2 : undefined}
    >
      {name !== undefined && (
        <td className="select">
          <input
            type="checkbox"
            aria-label={`Select ${name}`}
            checked={isSelected}
            onChange={row.getToggleSelectedHandler()}
          />
        </td>
      )}
      {row.getVisibleCells().map((cell, position) => {
        const { cell: template, meta } = cell.column.columnDef
        const content = draw(template, cell.getContext())
        return position === 0 ? (
          <th key={cell.id} scope="row" className={cellClass(meta)}>
            {content}
          </th>
        ) : (
          <td key={cell.id} className={cellClass(meta)}>
            {content}
          </td>
        )
      })}
    </tr>
  )
}

/** A scroll draws only the rows that come into view, if the columns of the table are constant. */
const BodyRow = memo(PlainRow) as typeof PlainRow

const arrows: Readonly<Record<SortDirection, string>> = { asc: ' ↑', desc: ' ↓' }
const sortNames = { asc: 'ascending', desc: 'descending' } as const

/** `flexRender` would take a function for a component, and mount the cell again for the new function of each render. */
const draw = <Context,>(
  template: string | ((context: Context) => ReactNode) | undefined,
  context: Context,
): ReactNode => (typeof template === 'function' ? template(context) : template)

const headerClass = (meta: ColumnMeta = {}) => classes(meta.numeric && 'figure', meta.wideOnly && 'roomy')
const cellClass = (meta: ColumnMeta = {}) => classes(headerClass(meta), meta.breaks && 'break')

/** In place of the rows that are not drawn. */
function Gap({ height }: { readonly height: number }) {
  if (height <= 0) return null
  return (
    <tr>
      <td style={{ height, padding: 0 }} />
    </tr>
  )
}
