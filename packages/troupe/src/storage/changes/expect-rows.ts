/** Checks the row count of a read against the expectation of its statement. */
import { failure } from '../../core/index.ts'
import type { Statement } from './statement.ts'

/** @param counts the row counts of the earlier statements, for `sameAs` */
export function expectRows({ expect, otherwise, detail }: Statement, found: number, counts: readonly number[]): void {
  if (expect === undefined) return
  const same = 'sameAs' in expect ? counts[expect.sameAs] : undefined
  const low = same ?? ('rows' in expect ? expect.rows : 'min' in expect ? (expect.min ?? 0) : 0)
  const high = same ?? ('rows' in expect ? expect.rows : 'max' in expect ? (expect.max ?? found) : found)
  if (found < low || found > high)
    throw failure(otherwise ?? 'storage.expectation', {
      ...detail,
      expected: low === high ? low : `${low} to ${high}`,
      found,
    })
}
