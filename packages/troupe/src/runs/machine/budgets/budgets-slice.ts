/** The usage of a run, and its grants of a budget that it shares with other runs. */
import type { UsageByModel } from '../../../core/index.ts'
import { dict } from '../dict.ts'
import type { Amounts, StepUsage } from '../machine-events.ts'

export interface BudgetsSlice {
  totalSteps: number
  hops: number
  /** The part of `totalSteps` that child runs have used. */
  chargedSteps: number
  /** The part of `hops` that child runs have used. */
  chargedHops: number
  /** The sum of its grants of a shared budget; undefined if it draws from none. */
  granted: Amounts | undefined
  /** Its request that is not granted yet, with the event of the request. */
  draw: (Amounts & { readonly seq: number }) | undefined
  /** The usage of waiting steps and child runs so far, by step or `childUsageKey`. It is added to `usage` when they end. */
  readonly openUsage: Map<string, StepUsage>
  readonly usage: {
    inputTokens: number
    outputTokens: number
    usd: number
    unknown: { [model: string]: true }
    /** The part of each model, without child runs and without what a fork shares with its source. */
    readonly models: UsageByModel
  }
}

export const createBudgetsSlice = (): BudgetsSlice => ({
  totalSteps: 0,
  hops: 0,
  chargedSteps: 0,
  chargedHops: 0,
  granted: undefined,
  draw: undefined,
  openUsage: new Map(),
  usage: { inputTokens: 0, outputTokens: 0, usd: 0, unknown: dict(), models: dict() },
})
