/** Where a failed run is taken up again: a step that failed with what it waited for is given it anew. */
import type { UserId } from '../../core/index.ts'
import type { PastRun } from '../history/past-run.ts'
import { placeOfRetry, placeOfWait } from '../history/retry-place.ts'
import { failedCalls } from './failed-calls.ts'
import type { Entry } from './forked.ts'
import type { OrchestraParts } from './parts.ts'
import { stepJournal } from './run-journals.ts'

type Place = ReturnType<typeof placeOfRetry>

/** @throws ConflictError `retry.refused` */
export async function placeAgain(
  { journals }: Pick<OrchestraParts, 'journals'>,
  user: UserId,
  past: PastRun,
  options: Parameters<typeof placeOfRetry>[1],
): Promise<Place> {
  const place = placeOfRetry(past, options)
  let { at } = place
  const steps = place.step === undefined ? [] : [place.step]
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const content = await journals.load(user, stepJournal(past.run, step))
    const entries = (content?.records ?? []).flatMap(({ body }) => body as readonly Entry[])
    for (const failed of failedCalls(entries)) {
      const { t, id: wait = '' } = entries[failed] as Entry
      const began = t === 'reply' ? placeOfWait(past, { step, wait }) : undefined
      if (!began) continue
      at = Math.min(at, began.at)
      if (began.served !== undefined) steps.push(began.served)
    }
  }
  return { ...place, at }
}
