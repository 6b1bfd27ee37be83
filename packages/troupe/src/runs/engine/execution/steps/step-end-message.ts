/** The message of a step to its run when the step ends. */
import { type Outcome, type StepReport, spentOfFailure } from '../../../../agents/index.ts'
import { type Json, type StoredError, type TaintLabel, taintField } from '../../../../core/index.ts'
import type { StepUsage, Tripped } from '../../../machine/machine-events.ts'
import { type RunMessageOf, tripsField } from '../../commands/run-message.ts'

export function stepEndMessage(
  step: string,
  end: Json | { readonly error: StoredError },
  taint: readonly TaintLabel[],
  trips: Tripped['trips'] = [],
): RunMessageOf<'step.returned' | 'step.failed'> {
  const more = { ...taintField(taint), ...tripsField(trips) }
  return isFailure(end)
    ? { type: 'step.failed', step, error: end.error, ...spentOf(end.error), ...more }
    : { type: 'step.returned', step, ...plainOutcome(end), ...more }
}

const isFailure = (end: unknown): end is { readonly error: StoredError } =>
  typeof end === 'object' && end !== null && 'error' in end && !('kind' in end)

/** The usage of a failed step. */
function spentOf(error: StoredError): { readonly usage?: StepUsage } {
  const spent = spentOfFailure(error)
  return spent ? { usage: usageOf(spent) } : {}
}

/** Returns the part of an outcome that the machine needs; the rest stays in the step's own journal. */
function plainOutcome(end: Json): { readonly outcome: Outcome; readonly usage?: StepUsage } {
  const { report, ...outcome } = end as Outcome
  return report ? { outcome, usage: usageOf(report) } : { outcome }
}

type Spent = Pick<StepReport, 'usage' | 'cost'> & Partial<Pick<StepReport, 'models' | 'model'>>

/** An agent of another framework names one model for all of its calls, or none. */
export function usageOf({ usage, cost: { usd, unknown }, model = '', models }: Spent): StepUsage {
  const { inputTokens, outputTokens } = usage
  const priced = unknown.length > 0 ? { unknown } : {}
  const own = models ?? { [model]: { inputTokens, outputTokens, ...(unknown.length > 0 ? {} : { cost: usd }) } }
  return { ...usage, cost: usd, ...priced, models: own }
}
