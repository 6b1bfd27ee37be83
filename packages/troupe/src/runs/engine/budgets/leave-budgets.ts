/** Returns unused amounts of an ended run to the budgets above, in the change that ends the run. */

import type { UserId } from '../../../core/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { ownUse } from '../../machine/budgets/grants.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { parentOf, poolsOf } from '../children/parent.ts'
import { resources, type SharedBudgets } from './shared-budgets.ts'

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
