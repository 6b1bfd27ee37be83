/** Classifies errors of node:sqlite: a fault of one statement, or of the disk. */
import type { WriterProblem } from '../writer-port.ts'

/** Extended result codes of SQLite for rows that already exist. */
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

/** Returns the extended result code of SQLite; 0 for another error. */
export const resultCode = (error: unknown): number => {
  const code = error instanceof Error ? (error as Error & { readonly errcode?: unknown }).errcode : undefined
  return typeof code === 'number' ? code : 0
}

/** Returns undefined if the statement is at fault and the database is sound. */
export const errorClassOf = (error: unknown): WriterProblem | undefined => problems[resultCode(error) & 0xff]

/** Whether a row with that key already exists. */
export const isUniqueViolation = (error: unknown): boolean => uniqueViolations.has(resultCode(error))

/** Whether an integer beyond 2^53 was read from a column as a number. */
export const isTooBigForNumber = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE'

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
