/** Answers the step that started a run and charges its parent for the usage, in the change that ends the run. */

import { asJson, taintField, type UserId } from '../../../core/index.ts'
import { runJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { totalUsage } from '../../machine/budgets/total-usage.ts'
import type { StepUsage } from '../../machine/machine-events.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { type RunMessage, runMessageJson } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { type Charge, type Parent, parentOf } from './parent.ts'

export function answerParent(
  { journal: { steps, inbox } }: Pick<OrchestraParts, 'journal'>,
  { user, run, state }: { readonly user: UserId; readonly run: string; readonly state: State },
  result: RunAccount,
): readonly Statement[] {
  const parent = parentOf(viewOf(state).pinned)
  if (!parent) return []
  const charge = less({ ...chargeOf(result), hops: viewOf(state).hops }, parent.charged)
  const charged: RunMessage = { type: 'run.charged', run, ...charge }
  return [
    ...steps.answer(user, parent.step, parent.wait, answerOf(result)).statements,
    ...inbox.put(user, runJournal(parent.run), runJournal(run), 'charged', runMessageJson(charged)).statements,
  ]
}

/** Returns the result without branches: the record of the step holds the answer alone. */
export function answerOf(result: RunAccount) {
  const value = asJson({ ...result, branchResults: [] })
  return { value, ...taintField(result.taint) }
}

export function chargeOf({ totalSteps: steps, usage, cost }: RunAccount): Charge {
  const unknown = cost.unknown.length > 0 ? { unknown: cost.unknown } : {}
  return { steps, usage: { ...usage, cost: cost.usd, ...unknown } }
}

/** Returns the usage of an open run that its parent counts so far; undefined if there is none. */
export function usageSoFar(state: Readonly<State>, { charged }: Parent): StepUsage | undefined {
  const { unknown, ...used } = totalUsage(state)
  const { usage } = less({ steps: 0, usage: { ...used, ...(unknown.length > 0 ? { unknown } : {}) } }, charged)
  return usage.inputTokens + usage.outputTokens > 0 ? usage : undefined
}

function less({ steps, hops = 0, usage }: Charge, before: Charge | undefined): Charge {
  if (!before) return { steps, hops, usage }
  const { inputTokens, outputTokens, cost } = before.usage
  return {
    steps: steps - before.steps,
    hops: hops - (before.hops ?? 0),
    usage: {
      ...usage,
      inputTokens: usage.inputTokens - inputTokens,
      outputTokens: usage.outputTokens - outputTokens,
      cost: Math.max(0, (usage.cost ?? 0) - (cost ?? 0)),
    },
  }
}
