/** A table of data: every column has a header, and the first column has the headers of the rows. */
import type { Key, ReactNode } from 'react'
import { classes, Table } from './ui.tsx'

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
}

interface DataTableProps<Row> {
  /** An undefined column is not shown. It has a position, so the other columns do not mount again when it appears. */
  readonly columns: readonly (Column<Row> | undefined)[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row, index: number) => Key
  /** Marks the row that the page shows in detail. */
  readonly isCurrent?: (row: Row) => boolean
}

export function DataTable<Row>({ columns, rows, rowKey, isCurrent }: DataTableProps<Row>) {
  const shown = columns.flatMap((column, position) => {
    if (!column) return []
    const className = classes(column.numeric && 'figure', column.wideOnly && 'roomy')
    return [{ ...column, position, className, cellClassName: classes(className, column.breaks && 'break') }]
  })
  return (
    <Table>
      <thead>
        <tr>
          {shown.map(({ position, title, className }) => (
            <th key={position} scope="col" className={className}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={rowKey(row, index)} aria-current={isCurrent?.(row) || undefined}>
            {shown.map(({ position, of, cellClassName }) =>
              position === 0 ? (
                <th key={position} scope="row" className={cellClassName}>
                  {of(row, index)}
                </th>
              ) : (
                <td key={position} className={cellClassName}>
                  {of(row, index)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
