/**
 * The batch in which a message was handled last. If a message is handled alone before its batch has ended, it leaves the
 * batch, and the batch is not continued. The row still names the batch, whose executed effects the message reuses.
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
