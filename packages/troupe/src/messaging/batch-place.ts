/**
 * Which batch a message was handled in last. One that is handled alone although its batch had not ended has left it: it
 * keeps the name, for the effects that were done in it, and the batch is not gone on with any more.
 */
import type { JournalId } from '../durable/index.ts'
import type { Row } from '../storage/index.ts'

export interface BatchPlace {
  readonly step: JournalId
  readonly left: boolean
}

const leftMark = ' left'

/** As it is stored. */
export const leftOf = ({ step }: Pick<BatchPlace, 'step'>): string => `${step}${leftMark}`

export function batchOf(row: Row): BatchPlace | undefined {
  if (typeof row.batch !== 'string') return undefined
  const left = row.batch.endsWith(leftMark)
  return { step: (left ? row.batch.slice(0, -leftMark.length) : row.batch) as JournalId, left }
}
