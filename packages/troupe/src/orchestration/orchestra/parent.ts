/** Which step started a run, and which runs its budget is a part of: pinned with the run, as they never change. */
import type { Json } from '../../core/index.ts'
import type { Pinned } from '../core/model.ts'
import type { BudgetLimits } from './run-budget.ts'

export interface Parent {
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
}

export const withParent = (pinned: Pinned, parent: Parent): Pinned => ({
  ...pinned,
  more: { parent: parent as unknown as Json },
})

export const parentOf = ({ more }: Pinned): Parent | undefined =>
  (more as { readonly parent?: Parent } | undefined)?.parent
