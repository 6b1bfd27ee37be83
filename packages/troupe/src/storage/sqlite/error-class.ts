/** What an error of node:sqlite means: whether one statement is at fault, or the disk. */
import type { WriterProblem } from '../writer-port.ts'

/** Extended result codes of SQLite that say a row is already there. */
const uniqueViolations = new Set([1555, 2067, 2579])

/** https://sqlite.org/rescode.html: READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOMEM, NOTADB. */
const problems: Readonly<Record<number, WriterProblem>> = {
  7: 'io',
  8: 'read_only',
  10: 'io',
  11: 'corrupt',
  13: 'full',
  14: 'io',
  26: 'corrupt',
}

const numberIn = (error: unknown, field: string): number => {
  const value = error instanceof Error ? (error as Error & { readonly [name: string]: unknown })[field] : undefined
  return typeof value === 'number' ? value : 0
}
export const resultCode = (error: unknown): number => numberIn(error, 'errcode')

/** Undefined where the statement is at fault and the database is well. */
export const errorClassOf = (error: unknown): WriterProblem | undefined => problems[resultCode(error) & 0xff]

/** A row with that key exists already. */
export const isUniqueViolation = (error: unknown): boolean => uniqueViolations.has(resultCode(error))

/** An integer beyond 2^53 stood in a column that was read as a number. */
export const isTooBigForNumber = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE'

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
