/** The usage for which a failed step had paid: it is part of the error as `details.spent`. */
import {
  asJson,
  isObject,
  type Json,
  restoreError,
  type StoredError,
  storeError,
  type UsageByModel,
  withStackOf,
} from '../../core/index.ts'
import type { StepReport } from '../agent-port.ts'

/** The usage of a step so far. */
export type StepSpent = Pick<StepReport, 'usage' | 'cost' | 'models'>

/** Returns the details of an error with the usage of its step; nothing if the step has paid for nothing. */
export function spentField({ usage, cost, models }: StepSpent): { readonly spent?: Json } {
  if (usage.inputTokens + usage.outputTokens === 0 && cost.usd === 0) return {}
  return { spent: asJson({ ...usage, usd: cost.usd, unknown: cost.unknown, models: models ?? {} }) }
}

/** Adds the usage of the failed step to its error. */
export function withSpent(error: unknown, spent: StepSpent): unknown {
  const field = spentField(spent)
  if (field.spent === undefined) return error
  const stored = storeError(error)
  const details = isObject(stored.details) ? stored.details : {}
  return withStackOf(restoreError({ ...stored, details: { ...details, ...field } }), error)
}

/** Returns the usage that the error of a failed step carries. */
export function spentOfFailure({ details }: Pick<StoredError, 'details'>): Required<StepSpent> | undefined {
  const { spent } = (details ?? {}) as {
    readonly spent?: StepReport['usage'] & {
      readonly usd: number
      readonly unknown: readonly string[]
      readonly models?: UsageByModel
    }
  }
  if (!spent) return undefined
  const { usd, unknown, models = {}, ...usage } = spent
  return { usage, cost: { usd, unknown }, models }
}
