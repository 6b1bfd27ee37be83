/**
 * The step that started a run, and the runs whose budgets the run shares. Both are recorded at the start and never
 * change.
 */
import type { Pinned, StepUsage } from '../../machine/machine-events.ts'
import type { Pools, SharedResource } from '../budgets/shared-budgets.ts'
import type { BudgetLimits } from '../execution/run-budgets.ts'

export type Parent = {
  readonly run: string
  /** The journal of the step, and its wait for this run's end. */
  readonly step: string
  readonly wait: string
  /** The parent and all runs above it, the parent first. */
  readonly above: readonly string[]
  /** The runs whose budgets of steps, hops and branches this run uses: this run itself if it has a budget of its own. */
  readonly pools: Pools
  /** The amounts that its own budget reserved in the budgets of the runs above. */
  readonly reserved?: { readonly [resource in SharedResource]?: { readonly pool: string; readonly amount: number } }
  /** The runs above it whose tokens or cost are limited. */
  readonly limits: readonly ({ readonly run: string } & BudgetLimits)[]
  /** For a retried run: the amount that its parent was charged before. */
  readonly charged?: Charge
}

/** The usage of a run that its parent counts. */
export type Charge = {
  readonly steps: number
  readonly hops?: number
  readonly usage: StepUsage
}

export const withParent = (pinned: Pinned, parent: Parent): Pinned => ({
  ...pinned,
  more: { ...(pinned.more as object | undefined), parent },
})

/** Returns the lineage for the child runs of a run: the run, its parents, and the limits of their budgets. */
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

/** @param amounts the resources for which the child has its own budget; it draws the others from those of its parents */
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

/** Returns the runs whose budgets a run uses. */
export const poolsOf = (pinned: Pinned, run: string): Pools =>
  parentOf(pinned)?.pools ?? { steps: run, hops: run, branches: run }
