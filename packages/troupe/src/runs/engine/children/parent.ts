/** Which step started a run, and which runs its budget is a part of: pinned with the run, as they never change. */
import type { Pinned, StepUsage } from '../../machine/machine-events.ts'
import type { BudgetLimits } from '../execution/run-budget.ts'

export type Parent = {
  readonly run: string
  /** The journal of the step, and its wait for this run's end. */
  readonly step: string
  readonly wait: string
  /** All runs above, from the parent on. */
  readonly above: readonly string[]
  /** How many of the parent's steps this run may take. */
  readonly slice: number
  /** The parent and those above it, as far as their tokens or cost are limited. */
  readonly limits: readonly ({ readonly run: string } & BudgetLimits)[]
  /** Of a run that is tried again: the one for which the run above holds what this one may take. */
  readonly reservedBy?: string
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
export function childLineage(run: string, pinned: Pinned): Pick<Parent, 'run' | 'above' | 'limits'> {
  const { tokens, cost } = pinned.config.budget
  const own = { ...(tokens === undefined ? {} : { tokens }), ...(cost === undefined ? {} : { cost }) }
  const { above = [], limits = [] } = parentOf(pinned) ?? {}
  return {
    run,
    above: [run, ...above],
    limits: [...(Object.keys(own).length > 0 ? [{ run, ...own }] : []), ...limits],
  }
}

export const parentOf = ({ more }: Pinned): Parent | undefined =>
  (more as { readonly parent?: Parent } | undefined)?.parent
