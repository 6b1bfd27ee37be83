/** Counts the restarts of a step, so that code that ends its process is not restarted without end. */
import { failure, type TroupeError } from '../../core/index.ts'
import type { JournalContent } from '../journal-port.ts'
import { entryText } from '../replay/log-entry.ts'
import type { StepSpec } from '../steps-port.ts'
import type { JournalOutcome } from '../turns/own-journal.ts'
import { logOf } from './step-end.ts'
import type { StepsContext } from './steps-context.ts'

/** The number of restarts without a record between them at which a step becomes a suspect: see `SuspectQueue`. */
const suspectFrom = 2

/**
 * Records that a step whose process ended starts again, before its code can end this process too.
 * @param write commits an entry
 * @param stopping aborts when the step is stopped; a step that waits in the queue then does not start
 * @returns `crashed`, the error of a step with too many restarts, or `over`, which the step calls at its next record or its end
 * @throws LeaseLostError `journal.lost`
 */
export async function recordRestart(
  { limits, suspects }: StepsContext,
  { id, entry }: StepSpec,
  write: (entry: string) => Promise<JournalOutcome>,
  content: JournalContent | undefined,
  stopping: AbortSignal,
): Promise<{ readonly crashed?: TroupeError; readonly over: () => void }> {
  if (entry !== 'restart') return { over: () => {} }
  const restarts = logOf(content?.records ?? []).restarts + 1
  if (restarts >= limits.restarts) return { crashed: failure('step.crashed', { step: id, restarts }), over: () => {} }
  const over = restarts < suspectFrom ? () => {} : await suspects.enter(stopping)
  try {
    if (stopping.aborted) return { over }
    const outcome = await write(entryText({ t: 'restarted' }))
    if (!outcome.ok) throw failure(outcome.code, { ...outcome.detail })
    return { over }
  } catch (error) {
    over()
    throw error
  }
}
