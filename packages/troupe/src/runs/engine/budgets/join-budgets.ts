/** The shares of a run in the budgets above it: created in the change that starts the run, returned in the one that ends it. */

import type { UserId } from '../../../core/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { chargedUse, ownUse } from '../../machine/budgets/grants.ts'
import type { Amounts, Pinned } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { parentOf, poolsOf } from '../children/parent.ts'
import { mapAmounts, resources, type SharedBudgets } from './shared-budgets.ts'

const none: Amounts = { steps: 0, hops: 0, branches: 0 }

interface Member {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
}

export function joinBudgets(
  budgets: SharedBudgets,
  { user, run, pinned }: Member,
  drawn = none,
  drawnBelow = none,
): readonly Statement[] {
  if (!pinned.draws) return []
  const { reserved } = parentOf(pinned) ?? {}
  const limits = Object.fromEntries(Object.entries(reserved ?? {}).map(([resource, { amount }]) => [resource, amount]))
  const from = Object.values(reserved ?? {})[0]?.pool ?? run
  const total = mapAmounts((resource) => drawn[resource] + drawnBelow[resource])
  return [
    ...(reserved ? [budgets.open(user, run, limits, from, total)] : []),
    ...budgets.join(user, run, poolsOf(pinned, run), drawn),
  ]
}

/** A retry counts the amounts that its source had drawn and those that were charged for its child runs. */
export function rejoinBudgets(budgets: SharedBudgets, user: UserId, run: string, state: State): readonly Statement[] {
  const { pinned, granted } = viewOf(state)
  if (!pinned.draws && !granted) return []
  const drawn = granted ?? none
  const drawnBelow = chargedUse(state)
  const parent = parentOf(pinned)
  if (!parent) return budgets.found(user, run, pinned.config.budget, drawn, drawnBelow)
  const own = ownUse(state)
  return [
    ...joinBudgets(budgets, { user, run, pinned }, drawn, drawnBelow),
    ...resources.flatMap((resource) => {
      const { pool = parent.pools[resource], amount } = parent.reserved?.[resource] ?? {}
      // The budget of the parent already has the earlier charge.
      const used = parent.charged ? own[resource] + drawnBelow[resource] : 0
      const more = (amount ?? drawn[resource] + drawnBelow[resource]) - used
      return more > 0 ? [budgets.add(user, resource, pool, more)] : []
    }),
  ]
}

/** Returns unused amounts of an ended run to the budgets above, in the change that ends the run. */
export function leaveBudgets(budgets: SharedBudgets, user: UserId, run: string, state: State): readonly Statement[] {
  const { pinned, granted, totalSteps, hops } = viewOf(state)
  if (!pinned.draws && !granted) return []
  const reserved = parentOf(pinned)?.reserved ?? {}
  const used = { steps: totalSteps, hops, branches: 0 }
  return [
    ...budgets.leave(user, run, poolsOf(pinned, run), ownUse(state)),
    ...resources.flatMap((resource) => {
      const { pool, amount = 0 } = reserved[resource] ?? {}
      const rest = amount - used[resource]
      return pool === undefined || rest <= 0 ? [] : [budgets.add(user, resource, pool, -rest)]
    }),
  ]
}
