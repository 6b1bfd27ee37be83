/** Counts the restarts of a step, so that code which ends its process is not started for ever. */
import { failure, type TroupeError } from '../../core/index.ts'
import type { JournalContent } from '../journal-port.ts'
import { entryText } from '../replay/log-entry.ts'
import type { Appender } from '../turns/appender.ts'
import { logOf } from './step-end.ts'

/**
 * Records that a step whose process ended starts again, before its code can end this process too.
 * @param of.limit restarts without a record between at which the step fails
 * @returns what the step fails with, where this restart is one too many
 * @throws LeaseLostError `journal.lost`
 */
export async function recordRestart(
  appender: Appender,
  content: JournalContent | undefined,
  of: { readonly step: string; readonly limit: number },
): Promise<TroupeError | undefined> {
  const restarts = logOf(content?.records ?? []).restarts + 1
  if (restarts >= of.limit) return failure('step.crashed', { step: of.step, restarts })
  const rejection = await appender.appendAlone([entryText({ t: 'restarted' })])
  if (rejection) throw failure(rejection.code, { ...rejection.detail })
  return undefined
}
