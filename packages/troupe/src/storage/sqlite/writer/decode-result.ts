/** Decodes the cells of a reply to the results that callers get. */
import type { Statement } from '../../changes/statement.ts'
import type { Change, CommitResult, Row } from '../../storage-port.ts'
import type { ReplyCell } from '../../writer-port.ts'
import type { Value } from './prepared-statement.ts'
import { outcome } from './wire.ts'

/** A statement that the engine rejects: a defect of the module that wrote it. */
export class Invalid {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export interface Cursor {
  readonly cells: readonly ReplyCell[]
  next: number
}

export function decodeResult(cursor: Cursor, change: Change): CommitResult | Invalid {
  const kind = cursor.cells[cursor.next++]
  if (kind === outcome.invalid) return new Invalid(readCell<string>(cursor))
  if (kind === outcome.unexpected) return unexpected(change, readCell<number>(cursor), readCell<number>(cursor))
  const [at, revision] = [readCell<number>(cursor), readCell<number | null>(cursor)]
  if (kind === outcome.repeated) return { ok: true, rows: [], affected: [], revision, at, repeated: true }
  const rows: (readonly Row[])[] = []
  const affected: number[] = []
  decodeStatements(cursor, change.statements, { rows, affected })
  return { ok: true, rows, affected, revision, at, repeated: false }
}

/** Appends the result of each statement. */
export function decodeStatements(
  cursor: Cursor,
  statements: readonly Statement[],
  into: { readonly rows: (readonly Row[])[]; readonly affected: number[] },
): void {
  for (const { returns } of statements) {
    into.affected.push(readCell<number>(cursor))
    into.rows.push(returns ? readRows(cursor) : [])
  }
}

function unexpected(change: Change, statement: number, found: number): CommitResult {
  const { otherwise, detail } = change.statements[statement] ?? {}
  return {
    ok: false,
    code: otherwise ?? 'storage.expectation',
    statement,
    found,
    ...(detail === undefined ? {} : { detail }),
  }
}

function readRows(cursor: Cursor): readonly Row[] {
  const columns = readCell<readonly string[]>(cursor)
  const rows: Row[] = new Array(readCell<number>(cursor))
  for (let i = 0; i < rows.length; i++) {
    rows[i] = toRow(columns, cursor.cells as readonly Value[], cursor.next)
    cursor.next += columns.length
  }
  return rows
}

/** Returns a plain object, because rows of node:sqlite have no prototype. */
export function toRow(columns: readonly string[], values: readonly Value[], from = 0): Row {
  const row: Record<string, Value> = {}
  for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[from + i] as Value
  return row
}

const readCell = <T>(cursor: Cursor): T => cursor.cells[cursor.next++] as T
