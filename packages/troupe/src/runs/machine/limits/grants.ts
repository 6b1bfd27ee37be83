/**
 * What a run may use of a budget that it has in common with the runs above and below it. A decision is never cut short for
 * want of hops or branches: what it took too much is granted before the next step begins.
 */
import type { Amounts, EventOf } from '../machine-events.ts'
import type { State } from '../state.ts'

const nothing: Amounts = { steps: 0, hops: 0, branches: 0 }

/** What the run itself uses: the runs that its steps start draw for themselves. */
export const ownUse = ({ counts }: Readonly<State>): Amounts => ({
  steps: counts.totalSteps - counts.chargedSteps,
  hops: counts.hops - counts.chargedHops,
  branches: counts.live,
})

/** @returns what has to be granted before one more step may begin; undefined where it may */
export function lackingGrants(state: Readonly<State>): Amounts | undefined {
  const granted = state.granted ?? (state.pinned.draws ? nothing : undefined)
  if (!granted) return undefined
  const { steps, hops, branches } = ownUse(state)
  const lacking = {
    steps: Math.max(0, steps + 1 - granted.steps),
    hops: Math.max(0, hops - granted.hops),
    branches: Math.max(0, branches - granted.branches),
  }
  return lacking.steps + lacking.hops + lacking.branches > 0 ? lacking : undefined
}

export function evolveGrants(state: State, event: EventOf<'budget.requested' | 'budget.granted'>): State {
  const { steps, hops, branches } = event
  if (event.type === 'budget.requested') {
    state.requested = { steps, hops, branches }
    state.open.set('budget', { id: `budget ${state.seq}`, type: 'budget.draw', steps, hops, branches })
    return state
  }
  const before = state.granted ?? (state.pinned.draws ? nothing : ownUse(state))
  state.granted = {
    steps: before.steps + steps,
    hops: before.hops + hops,
    branches: before.branches + branches,
  }
  state.requested = undefined
  state.open.delete('budget')
  return state
}
