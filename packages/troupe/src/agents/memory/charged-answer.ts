/** Answers whose making calls paid models: what they used is recorded with the answer, so that a replay charges it once. */
import { asJson, isObject, type Json, type Recordable } from '../../core/index.ts'
import type { CallName } from '../../journal/index.ts'
import type { ModelSpent } from '../../models/index.ts'
import type { StepEntry } from '../agent-port.ts'
import type { Report } from '../definitions/report.ts'
import { chargeModels } from '../model/charge-models.ts'

type Charged = { readonly answer: Json; readonly spent: readonly ModelSpent[] }

/**
 * Returns a recorded list, and charges the report of the step for the models that its making called.
 * @param ask Makes the list; it passes what each call of a model used to its argument.
 */
export async function chargedAnswer<Out extends readonly unknown[]>(
  entry: Pick<StepEntry, 'recorder' | 'services'>,
  call: CallName,
  report: Pick<Report, 'queried'>,
  ask: (charge: (spent: ModelSpent) => void) => Promise<Recordable<Out>>,
): Promise<Out> {
  const recorded = await entry.recorder.answer<Json>(call, async () => {
    const spent: ModelSpent[] = []
    const answer = asJson(await ask((one) => void spent.push(one)))
    return spent.length === 0 ? answer : { answer, spent }
  })
  // A list alone is an answer for which no model was called.
  if (!isObject(recorded)) return recorded as unknown as Out
  const { answer, spent } = recorded as unknown as Charged
  chargeModels(entry, report, `${call.kind} ${call.name}`, spent)
  return answer as unknown as Out
}
