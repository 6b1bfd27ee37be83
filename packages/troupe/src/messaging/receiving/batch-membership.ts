/**
 * Which batch a message was handled in last. One that is handled alone although its batch had not ended has left it: it
 * keeps the name, for the effects that were done in it, and the batch is not gone on with any more.
 */
import type { JournalId } from '../../journal/index.ts'
import type { Row } from '../../storage/index.ts'

export interface BatchMembership {
  readonly step: JournalId
  readonly released: boolean
}

const releasedMark = ' left'

/** As it is stored. */
export const releasedBatch = ({ step }: Pick<BatchMembership, 'step'>): string => `${step}${releasedMark}`

export function batchOf(row: Row): BatchMembership | undefined {
  if (typeof row.batch !== 'string') return undefined
  const released = row.batch.endsWith(releasedMark)
  return { step: (released ? row.batch.slice(0, -releasedMark.length) : row.batch) as JournalId, released }
}
