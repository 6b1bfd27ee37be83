/** Finds the event from which a failed run is retried; a step that failed with an awaited answer gets a new answer. */
import type { UserId } from '../../../core/index.ts'
import type { PastRun } from '../../history/past-run.ts'
import { retryPointOf, waitPointOf } from '../../history/retry-point.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { stepJournal } from '../store/run-journals.ts'
import { failedCalls } from './failed-calls.ts'
import type { StepLogEntry } from './forked-steps.ts'

type RetryPoint = ReturnType<typeof retryPointOf>

/** @throws ConflictError `retry.rejected` */
export async function findRetryPoint(
  { journal: { journals } }: Pick<OrchestraParts, 'journal'>,
  user: UserId,
  past: PastRun,
  options: Parameters<typeof retryPointOf>[1],
): Promise<RetryPoint> {
  const retryPoint = retryPointOf(past, options)
  let { at } = retryPoint
  const steps = retryPoint.step === undefined ? [] : [retryPoint.step]
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const content = await journals.load(user, stepJournal(past.run, step))
    const entries = (content?.records ?? []).flatMap(({ body }) => body as readonly StepLogEntry[])
    for (const failed of failedCalls(entries)) {
      const { t, id: wait = '' } = entries[failed] as StepLogEntry
      const began = t === 'reply' ? waitPointOf(past, { step, wait }) : undefined
      if (!began) continue
      at = Math.min(at, began.at)
      if (began.served !== undefined) steps.push(began.served)
    }
  }
  return { ...retryPoint, at }
}
