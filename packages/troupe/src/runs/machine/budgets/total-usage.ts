/** Sums the usage of a run: of ended steps and child runs, and of waiting ones so far. */
import { addModels, type UsageByModel } from '../../../core/index.ts'
import type { StepUsage } from '../machine-events.ts'
import type { State } from '../state.ts'
import type { BudgetsSlice } from './budgets-slice.ts'

/** The key of a child run in `openUsage`; a step has its id, which begins with that of a branch. */
export const childUsageKey = (run: string): string => `run ${run}`

/** The usage of a run as one sum. */
export type TotalUsage = Required<Omit<StepUsage, 'models'>>

/** @param except the id of a step whose usage so far is not counted */
export function totalUsage({ budgets: { usage, openUsage } }: Readonly<State>, except?: string): TotalUsage {
  let { inputTokens, outputTokens, usd: cost } = usage
  const unknown = new Set(Object.keys(usage.unknown))
  for (const [key, open] of openUsage) {
    if (key === except) continue
    inputTokens += open.inputTokens
    outputTokens += open.outputTokens
    cost += open.cost ?? 0
    for (const model of open.unknown ?? []) unknown.add(model)
  }
  return { inputTokens, outputTokens, cost, unknown: [...unknown] }
}

/** Adds the usage of an ended step or child run. */
export function countUsage({ usage }: BudgetsSlice, used: StepUsage): void {
  usage.inputTokens += used.inputTokens
  usage.outputTokens += used.outputTokens
  usage.usd += used.cost ?? 0
  for (const model of used.unknown ?? []) usage.unknown[model] = true
  if (used.models) addModels(usage.models, used.models)
}

/** Returns the usage of the run's own steps by model: child runs have theirs, and shared steps count in the source of a fork. */
export function usageByModel({ budgets: { usage, openUsage } }: Readonly<State>): UsageByModel {
  const sum: UsageByModel = {}
  addModels(sum, usage.models)
  for (const { models } of openUsage.values()) if (models) addModels(sum, models)
  return sum
}
