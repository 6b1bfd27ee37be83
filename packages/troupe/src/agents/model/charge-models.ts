/** Charges a step for calls of models that reserve nothing: those of embedding and reranking models. */
import type { ModelSpent } from '../../models/index.ts'
import type { StepEntry } from '../agent-port.ts'
import type { Report } from '../definitions/report.ts'

/**
 * Adds the calls to the report of the step, and to the budgets in the change that commits the turn. The calls come from the record,
 * so a step that is executed again stages the same write, which a committed turn already has.
 * @param name distinguishes the call that asked the models within its step
 */
export function chargeModels(
  { recorder, services: { limits } }: Pick<StepEntry, 'recorder' | 'services'>,
  report: Pick<Report, 'queried'>,
  name: string,
  spent: readonly ModelSpent[],
): void {
  if (spent.length === 0) return
  for (const one of spent) report.queried(one)
  const sum = (of: (one: ModelSpent) => number) => spent.reduce((total, one) => total + of(one), 0)
  const used = {
    tokens: sum(({ usage }) => usage.inputTokens + usage.outputTokens),
    cost: sum(({ cost = 0 }) => cost),
  }
  // Staged without a budget too, so that a changed limit of the troupe changes no record.
  const rows = limits.budget?.spend(used) ?? { statements: [] }
  recorder.stage({ call: { kind: 'spent', name }, fragment: () => rows, module: 'other' })
}
