/**
 * The grants of a run from a budget that it shares with its ancestors and child runs. A decision is never cut off by missing
 * hops or branches: the excess must be granted before the next step starts.
 */
import type { Folds } from '../folds.ts'
import type { Amounts } from '../machine-events.ts'
import type { State } from '../state.ts'

const nothing: Amounts = { steps: 0, hops: 0, branches: 0 }

/** Returns the usage of the run itself. Its child runs draw for themselves. */
export const ownUse = ({ budgets, branches }: Readonly<State>): Amounts => ({
  steps: budgets.totalSteps - budgets.chargedSteps,
  hops: budgets.hops - budgets.chargedHops,
  branches: branches.openCount,
})

/** Returns the usage of its child runs. */
export const chargedUse = ({ budgets }: Readonly<State>): Amounts => ({
  steps: budgets.chargedSteps,
  hops: budgets.chargedHops,
  branches: 0,
})

/** @returns the grants that one more step needs; undefined if it may start */
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
