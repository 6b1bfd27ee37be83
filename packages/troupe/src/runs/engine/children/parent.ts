/** Which step started a run, and which runs its budget is a part of: pinned with the run, as they never change. */
import type { Pinned, StepUsage } from '../../machine/machine-events.ts'
import type { Pools, SharedResource } from '../budgets/shared-budgets.ts'
import type { BudgetLimits } from '../execution/run-budgets.ts'

export type Parent = {
  readonly run: string
  /** The journal of the step, and its wait for this run's end. */
  readonly step: string
  readonly wait: string
  /** All runs above, from the parent on. */
  readonly above: readonly string[]
  /** The runs whose budgets of steps, hops and branches this run draws from: this one where it has a budget of its own. */
  readonly pools: Pools
  /** What a budget of its own took of those above. */
  readonly reserved?: { readonly [resource in SharedResource]?: { readonly pool: string; readonly amount: number } }
  /** The parent and those above it, as far as their tokens or cost are limited. */
  readonly limits: readonly ({ readonly run: string } & BudgetLimits)[]
  /** Of a run that is tried again: what the run above was charged for it before. */
  readonly charged?: Charge
}

/** What a run took of the budget of the one above. */
export type Charge = {
  readonly steps: number
  readonly hops?: number
  readonly usage: StepUsage
}

export const withParent = (pinned: Pinned, parent: Parent): Pinned => ({
  ...pinned,
  more: { ...(pinned.more as object | undefined), parent },
})

/** What a run tells those that its steps start of itself, and of the runs above it as far as their budget is limited. */
export function childLineage(run: string, pinned: Pinned): Pick<Parent, 'run' | 'above' | 'limits' | 'pools'> {
  const { tokens, cost } = pinned.config.budget
  const own = { ...(tokens === undefined ? {} : { tokens }), ...(cost === undefined ? {} : { cost }) }
  const { above = [], limits = [] } = parentOf(pinned) ?? {}
  return {
    run,
    above: [run, ...above],
    limits: [...(Object.keys(own).length > 0 ? [{ run, ...own }] : []), ...limits],
    pools: poolsOf(pinned, run),
  }
}

export const parentOf = ({ more }: Pinned): Parent | undefined =>
  (more as { readonly parent?: Parent } | undefined)?.parent

/** @param amounts what the child takes for itself: it draws that from a budget of its own, the rest from those above */
export function childPools(
  above: Pools,
  child: string,
  amounts: { readonly [resource in SharedResource]?: number },
): Pick<Parent, 'pools' | 'reserved'> {
  const own = Object.fromEntries(Object.keys(amounts).map((resource) => [resource, child]))
  const reserved = Object.entries(amounts).map(([resource, amount]) => [
    resource,
    { pool: above[resource as SharedResource], amount },
  ])
  return { pools: { ...above, ...own }, ...(reserved.length > 0 ? { reserved: Object.fromEntries(reserved) } : {}) }
}

/** The runs whose budgets a run draws from. */
export const poolsOf = (pinned: Pinned, run: string): Pools =>
  parentOf(pinned)?.pools ?? { steps: run, hops: run, branches: run }
