/**
 * The shared budget of steps, hops and open branches of one run tree. The top run, and each run with a budget of its own, is a
 * pool: one row with the drawn amount of each resource. Each run that draws has a share: one row with the pool of each resource,
 * the amount that it drew, and the amount that it had used at its last draw. The end of a run returns the amount that it drew
 * and did not use.
 */
import type { UserId } from '../../../core/index.ts'
import type { Statement, Storage } from '../../../storage/index.ts'
import type { Amounts } from '../../machine/machine-events.ts'
import { compileSharedBudget } from './compile-shared-budget.ts'

export const resources = ['steps', 'hops', 'branches'] as const
export type SharedResource = (typeof resources)[number]
/** The run from whose budget a run draws, by resource. */
export type Pools = { readonly [resource in SharedResource]: string }
export type Limits = { readonly [resource in SharedResource]?: number }

/** The amounts of one resource of a pool. */
export interface PoolView {
  readonly drawn: number
  readonly limit: number
  /** The open runs that draw from it. */
  readonly members: number
}
export interface ShareHolder {
  readonly run: string
  readonly held: number
}
/** The other runs that hold an amount of a resource. */
export interface ShareHolders {
  /** The largest amount first. */
  readonly holders: readonly ShareHolder[]
  /** True if a run of the pool continues by itself, so that a holder may end and return its amount. */
  readonly canReturn: boolean
}

export interface SharedBudgets {
  /** Creates a pool with the share of its own run, unless they exist. `drawn` is the amount of the share. */
  found(user: UserId, run: string, limits: Limits, drawn: Amounts, drawnBelow?: Amounts): readonly Statement[]
  /** Creates a pool whose limits are reserved in another pool. */
  open(user: UserId, run: string, limits: Limits, from: string, drawn?: Amounts): Statement
  /** Creates the share of a run that draws from pools, with the amount drawn so far. */
  join(user: UserId, run: string, pools: Pools, drawn: Amounts): readonly Statement[]
  /** Reserves exactly this amount: the change is rejected with `budget.exceeded` if less is left. */
  take(user: UserId, resource: SharedResource, pool: string, amount: number, detail?: Fields): Statement
  /** Changes the drawn amount regardless of the limit. */
  add(user: UserId, resource: SharedResource, pool: string, amount: number): Statement
  /** Draws in one change: rejected with `budget.exceeded` if a pool has less. */
  draw(user: UserId, run: string, pools: Pools, amounts: Amounts, used: Amounts): readonly Statement[]
  /** Records that the run waits for other runs to return amounts. */
  wait(user: UserId, run: string): Statement
  /** Returns the unused amount, in the change that ends a run. */
  leave(user: UserId, run: string, pools: Pools, used: Amounts): readonly Statement[]
  pool(user: UserId, resource: SharedResource, run: string): Promise<PoolView | undefined>
  /** Returns the amounts that a run has drawn. */
  drawnBy(user: UserId, run: string): Promise<Amounts | undefined>
  holders(user: UserId, resource: SharedResource, pool: string, run: string): Promise<ShareHolders>
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null }
type Fields = { readonly [name: string]: string | number }

const noAmounts: Amounts = { steps: 0, hops: 0, branches: 0 }

export const mapAmounts = (of: (resource: SharedResource) => number): Amounts => ({
  steps: of('steps'),
  hops: of('hops'),
  branches: of('branches'),
})

const distinct = (pools: Pools): readonly string[] => [...new Set(resources.map((resource) => pools[resource]))]

export function createSharedBudgets(storage: Pick<Storage, 'dialect' | 'read'>): SharedBudgets {
  const queries = compileSharedBudget(storage.dialect)
  const rows = async (user: UserId, statement: Statement) => (await storage.read({ user }, [statement]))[0] ?? []
  const take: SharedBudgets['take'] = (user, resource, pool, amount, detail = {}) =>
    queries.take[resource]({ user, pool, amount }, { expect: { rows: 1 }, otherwise: 'budget.exceeded', detail })
  const open = (
    own: { readonly user: UserId; readonly run: string; readonly from: string | null; readonly members: number },
    { steps: stepLimit = null, hops: hopLimit = null, branches: branchLimit = null }: Nullable<Limits>,
    drawn: Amounts,
  ) => queries.open({ ...own, ...drawn, stepLimit, hopLimit, branchLimit })
  const share = (user: UserId, run: string, { steps, hops, branches }: Pools, drawn: Amounts) =>
    queries.join({ user, run, stepPool: steps, hopPool: hops, branchPool: branches, ...drawn })
  return {
    take,
    add: (user, resource, pool, amount) => queries.add[resource]({ user, pool, amount }),
    found: (user, run, limits, drawn, drawnBelow = noAmounts) => [
      open(
        { user, run, from: null, members: 1 },
        limits,
        mapAmounts((resource) => drawn[resource] + drawnBelow[resource]),
      ),
      share(user, run, { steps: run, hops: run, branches: run }, drawn),
    ],
    open: (user, run, limits, from, drawn = noAmounts) => open({ user, run, from, members: 0 }, limits, drawn),
    join: (user, run, pools, drawn) => [
      share(user, run, pools, drawn),
      ...distinct(pools).map((pool) => queries.members({ user, pool, by: 1 })),
    ],
    draw: (user, run, pools, amounts, used) => [
      ...resources.flatMap((resource) =>
        amounts[resource] > 0 ? [take(user, resource, pools[resource], amounts[resource])] : [],
      ),
      queries.draw({ user, run, ...amounts, usedSteps: used.steps, usedHops: used.hops }),
    ],
    wait: (user, run) => queries.wait({ user, run }),
    leave: (user, run, pools, used) => [
      ...resources.map((resource) =>
        queries.release[resource]({
          user,
          run,
          pool: pools[resource],
          used: resource === 'branches' ? 0 : used[resource],
        }),
      ),
      ...distinct(pools).map((pool) => queries.members({ user, pool, by: -1 })),
      queries.leave({ user, run }),
      queries.close({ user, run }),
    ],
    async pool(user, resource, run) {
      const [row] = await rows(user, queries.pool[resource]({ user, pool: run }, { returns: true }))
      if (!row || row.limit === null || row.limit === undefined) return undefined
      return { drawn: Number(row.drawn), limit: Number(row.limit), members: Number(row.members) }
    },
    async drawnBy(user, run) {
      const [row] = await rows(user, queries.share({ user, run }, { returns: true }))
      return row && { steps: Number(row.steps), hops: Number(row.hops), branches: Number(row.branches) }
    },
    async holders(user, resource, pool, run) {
      const [shares = [], reservations = [], moving = []] = await storage.read({ user }, [
        queries.holders[resource]({ user, pool, run }, { returns: true }),
        queries.reservations[resource]({ user, pool }, { returns: true }),
        queries.moving[resource]({ user, pool, run }, { returns: true }),
      ])
      const holders = [...shares, ...reservations].map((row) => ({ run: String(row.run_id), held: Number(row.held) }))
      const isReserving = reservations.some(({ status }) => status === 'running')
      return { holders, canReturn: isReserving || (holders.length > 0 && moving.length > 0) }
    },
  }
}
