/**
 * Draws blocks of the shared budget for one run and records them in the run's journal. A draw is durable before the run records
 * it. An owner whose share has more than its journal was interrupted in between, and records the difference.
 */

import { sleep, type UserId } from '../../../core/index.ts'
import type { BudgetUse } from '../../machine/budgets/budget-use.ts'
import { ownUse } from '../../machine/budgets/grants.ts'
import type { Amounts, Input } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { poolsOf } from '../children/parent.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { mapAmounts, resources, type SharedResource, type ShareHolder } from './shared-budgets.ts'

const largestBlock = 32
/** The interval in ms between two checks of a budget of which other runs hold a part. */
const waitMs = 200
/** The delay in ms before the next attempt after a storage error. */
const retryMs = 1_000
const shownHolders = 10
const none: Amounts = { steps: 0, hops: 0, branches: 0 }

export interface DrawingRun {
  readonly user: UserId
  readonly run: string
  readonly state: State
  readonly over: boolean
  readonly lost: boolean
  apply(make: (at: number) => Input | undefined): Promise<void>
}

type Found =
  | { readonly amounts: Amounts; readonly drawn: boolean }
  | { readonly lacking: SharedResource; readonly drawn: number; readonly limit: number }

/** Retries after storage errors, because no step starts without an answer. */
export function drawBudget(parts: OrchestraParts, run: DrawingRun, asked: Amounts): void {
  const retry = () => (run.lost || run.over ? undefined : drawBudget(parts, run, asked))
  void drawUntilAnswered(parts, run, asked).catch(() =>
    parts.platform.clock.after(retryMs, retry, { background: true }),
  )
}

const poolOf = ({ run, state }: DrawingRun, resource: SharedResource): string =>
  poolsOf(viewOf(state).pinned, run)[resource]

/** Resolves when the run has recorded the outcome. */
async function drawUntilAnswered(parts: OrchestraParts, run: DrawingRun, asked: Amounts): Promise<void> {
  for (let waits = false; !run.over && !run.lost; ) {
    const found = await look(parts, run, asked)
    if ('amounts' in found) {
      if (!found.drawn && !(await drawn(parts, run, found.amounts, asked))) continue
      return run.apply((at) => ({ at, type: 'budget.granted', ...found.amounts }))
    }
    const { lacking, limit } = found
    const { sharedBudgets } = parts.stores
    const { holders, canReturn } = await sharedBudgets.holders(run.user, lacking, poolOf(run, lacking), run.run)
    if (waits && !canReturn) {
      const use = usedAndHeld(found.drawn, holders)
      return run.apply((at) => ({ at, type: 'budget.rejected', budget: lacking, limit, ...use }))
    }
    // The wait is recorded before the next check, so that among runs that wait for each other the last one finds it.
    if (waits) await sleep(parts.platform.clock, waitMs)
    else await commit(parts, run.user, [sharedBudgets.wait(run.user, run.run)])
    waits = true
  }
}

/** Returns the used amount of a budget, and the runs that hold the rest. */
export function usedAndHeld(drawn: number, holders: readonly ShareHolder[]): BudgetUse {
  const held = holders.reduce((total, holder) => total + holder.held, 0)
  if (held === 0) return { used: drawn }
  return {
    used: drawn - held,
    held,
    by: holders.slice(0, shownHolders).map(({ run, held: each }) => ({ run, held: each })),
  }
}

/** The top run of a tree has no share before its first child run. */
export async function shareOf(
  parts: Pick<OrchestraParts, 'stores'>,
  { user, run, state }: Pick<DrawingRun, 'user' | 'run' | 'state'>,
): Promise<Amounts> {
  const found = await parts.stores.sharedBudgets.drawnBy(user, run)
  if (found) return found
  const { granted = none, pinned } = viewOf(state)
  await commit(parts, user, parts.stores.sharedBudgets.found(user, run, pinned.config.budget, granted))
  return granted
}

async function look(parts: OrchestraParts, run: DrawingRun, asked: Amounts): Promise<Found> {
  const { sharedBudgets } = parts.stores
  const { granted = none } = viewOf(run.state)
  const share = await shareOf(parts, run)
  const missed = mapAmounts((resource) => Math.max(0, share[resource] - granted[resource]))
  if (resources.some((resource) => missed[resource] > 0)) return { amounts: missed, drawn: true }
  const amounts: { [resource in SharedResource]: number } = { ...none }
  for (const resource of resources) {
    if (asked[resource] === 0) continue
    const pool = await sharedBudgets.pool(run.user, resource, poolOf(run, resource))
    const { drawn = 0, limit = 0, members = 1 } = pool ?? {}
    if (limit - drawn < asked[resource]) return { lacking: resource, drawn, limit }
    // Branches are returned only at the end of the run, so only open branches are drawn.
    const block = resource === 'branches' ? 0 : blockOf(limit - drawn, members)
    amounts[resource] = Math.max(asked[resource], block)
  }
  return { amounts, drawn: false }
}

const blockOf = (remaining: number, members: number): number =>
  Math.max(1, Math.min(largestBlock, Math.floor(remaining / (4 * Math.max(1, members)))))

/** @returns false if another run was faster */
async function drawn(
  parts: OrchestraParts,
  { user, run, state }: DrawingRun,
  amounts: Amounts,
  asked: Amounts,
): Promise<boolean> {
  const own = ownUse(state)
  // The step for which the run draws starts at once.
  const used = { ...own, steps: own.steps + asked.steps }
  return commit(
    parts,
    user,
    parts.stores.sharedBudgets.draw(user, run, poolsOf(viewOf(state).pinned, run), amounts, used),
  )
}

async function commit(
  { stores: { storage } }: Pick<OrchestraParts, 'stores'>,
  user: UserId,
  statements: Parameters<typeof storage.commit>[0]['statements'],
) {
  return (await storage.commit({ id: null, scope: { user }, statements })).ok
}
