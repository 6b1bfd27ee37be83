/**
 * What a run may use of a budget that it has in common with the runs above and below it. A decision is never cut short for
 * want of hops or branches: what it took too much is granted before the next step begins.
 */
import type { Folds } from '../folds.ts'
import type { Amounts } from '../machine-events.ts'
import type { State } from '../state.ts'

const nothing: Amounts = { steps: 0, hops: 0, branches: 0 }

/** What the run itself uses: the runs that its steps start draw for themselves. */
export const ownUse = ({ budgets, branches }: Readonly<State>): Amounts => ({
  steps: budgets.totalSteps - budgets.chargedSteps,
  hops: budgets.hops - budgets.chargedHops,
  branches: branches.openCount,
})

/** What the runs used that its steps have started. */
export const chargedUse = ({ budgets }: Readonly<State>): Amounts => ({
  steps: budgets.chargedSteps,
  hops: budgets.chargedHops,
  branches: 0,
})

/** @returns what has to be granted before one more step may begin; undefined where it may */
export function lackingGrants(state: Readonly<State>): Amounts | undefined {
  const granted = state.budgets.granted ?? (state.run.pinned.draws ? nothing : undefined)
  if (!granted) return undefined
  const { steps, hops, branches } = ownUse(state)
  const lacking = {
    steps: Math.max(0, steps + 1 - granted.steps),
    hops: Math.max(0, hops - granted.hops),
    branches: Math.max(0, branches - granted.branches),
  }
  return lacking.steps + lacking.hops + lacking.branches > 0 ? lacking : undefined
}

export const budgetFolds = {
  'budget.requested': ({ budgets, run }, { steps, hops, branches }) => {
    budgets.draw = { steps, hops, branches, seq: run.seq }
  },
  'budget.granted': (state, { steps, hops, branches }) => {
    const { budgets, run } = state
    const before = budgets.granted ?? (run.pinned.draws ? nothing : ownUse(state))
    budgets.granted = {
      steps: before.steps + steps,
      hops: before.hops + hops,
      branches: before.branches + branches,
    }
    budgets.draw = undefined
  },
} satisfies Partial<Folds>
