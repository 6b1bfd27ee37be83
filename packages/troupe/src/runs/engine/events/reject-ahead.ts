/** Rejects a position of a reader of events that the run has not reached. */
import { invalidInput, show, type UserId } from '../../../core/index.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { readRecord } from '../store/run-record.ts'

const pageSize = 500

/**
 * A reader that starts after the newest event would wait forever or skip events.
 * @throws ValidationError
 */
export async function rejectAhead(
  host: Pick<OrchestraHost, 'records'>,
  user: UserId,
  run: string,
  from: number,
): Promise<void> {
  let [newest, record, read] = [0, 0, pageSize]
  while (read === pageSize && newest < from) {
    const page = await host.records(user, run, record, pageSize)
    for (const { seq, body } of page) {
      const { events = [], first = 1 } = readRecord(body)
      if (events.length > 0) newest = first + events.length - 1
      record = seq
    }
    read = page.length
  }
  if (newest < from) throw invalidInput('run.events.from', `it is ${show(from)}, and the newest event is ${newest}`)
}
