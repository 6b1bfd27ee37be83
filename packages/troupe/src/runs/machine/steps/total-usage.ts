/** What a run has used: by steps and child runs that have ended, and so far by those that wait. */
import type { StepUsage } from '../machine-events.ts'
import type { State } from '../state.ts'

/** The key of a child run in `State.openUsage`; a step has its id, which begins with that of a branch. */
export const childUsageKey = (run: string): string => `run ${run}`

/** @param except the id of a step whose usage so far is left out */
export function totalUsage({ usage, openUsage }: Readonly<State>, except?: string): Required<StepUsage> {
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
