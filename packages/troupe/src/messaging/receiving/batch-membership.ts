/**
 * The batch in which a message was handled last. A message that is handled alone although its batch has not ended has
 * left the batch: the row still names the batch, for the effects that were executed in it, and the batch is not
 * continued.
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
