/** Counts the restarts of a step, so that code which ends its process is not started for ever. */
import { failure, type TroupeError } from '../../core/index.ts'
import type { JournalContent } from '../journal-port.ts'
import { entryText } from '../replay/log-entry.ts'
import type { StepSpec } from '../steps-port.ts'
import type { Appender } from '../turns/appender.ts'
import { logOf } from './step-end.ts'
import type { StepsContext } from './steps-context.ts'

/**
 * Records that a step whose process ended starts again, before its code can end this process too.
 * @returns what the step fails with, where this restart is one too many
 * @throws LeaseLostError `journal.lost`
 */
export async function recordRestart(
  { limits }: StepsContext,
  { id, restarted }: StepSpec,
  appender: Appender,
  content: JournalContent | undefined,
): Promise<TroupeError | undefined> {
  if (!restarted) return undefined
  const restarts = logOf(content?.records ?? []).restarts + 1
  if (restarts >= limits.restarts) return failure('step.crashed', { step: id, restarts })
  const rejection = await appender.appendAlone([entryText({ t: 'restarted' })])
  if (rejection) throw failure(rejection.code, { ...rejection.detail })
  return undefined
}
