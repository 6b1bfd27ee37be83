/** What a run has used, and what it was granted of a budget that it has in common with other runs. */
import { dict } from '../dict.ts'
import type { Amounts, StepUsage } from '../machine-events.ts'

export interface BudgetsSlice {
  totalSteps: number
  hops: number
  /** Of these, what runs took that steps have started. */
  chargedSteps: number
  chargedHops: number
  /** All that it was granted of a common budget; undefined while it draws from none. */
  granted: Amounts | undefined
  /** What it has asked for and was not granted yet, and the event that did so. */
  draw: (Amounts & { readonly seq: number }) | undefined
  /** What waiting steps and child runs have used so far, by step or `childUsageKey`: not in `usage` before they end. */
  readonly openUsage: Map<string, StepUsage>
  readonly usage: { inputTokens: number; outputTokens: number; usd: number; unknown: { [model: string]: true } }
}

export const createBudgetsSlice = (): BudgetsSlice => ({
  totalSteps: 0,
  hops: 0,
  chargedSteps: 0,
  chargedHops: 0,
  granted: undefined,
  draw: undefined,
  openUsage: new Map(),
  usage: { inputTokens: 0, outputTokens: 0, usd: 0, unknown: dict() },
})
