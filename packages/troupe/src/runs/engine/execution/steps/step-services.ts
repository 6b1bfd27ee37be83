/** The services of the process for the steps of a run, with the limits, policies and breakpoints of the run. */
import { createRepetitionGuard, type Services } from '../../../../agents/index.ts'
import type { UserId } from '../../../../core/index.ts'
import { compileRules } from '../../../../security/index.ts'
import type { Pinned } from '../../../machine/machine-events.ts'
import { breakpointsIn } from '../../../machine/people/breakpoints.ts'
import type { State } from '../../../machine/state.ts'
import { withDailyBudget } from '../../budgets/daily-usage.ts'
import { parentOf } from '../../children/parent.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'

/** @param state the state of the run, whose breakpoints may change while it executes */
export function stepServices(
  { stores: { budgets }, settings: { dailyUsage }, agents: { services } }: OrchestraParts,
  { user, run, pinned }: { readonly user: UserId; readonly run: string; readonly pinned: Pinned },
  state: Readonly<State> | undefined,
): Services {
  const { timeouts, budget, guards, debug, policies = [] } = pinned.config
  const limits = parentOf(pinned)?.limits
  const limiting = withDailyBudget(budgets.of(user, run, budget, limits), dailyUsage?.budget(user))
  const breakpoints = state ? breakpointsIn(state) : (debug?.breakOn ?? [])
  const breakOn = breakpoints.flatMap((each) => (each.on === 'tool' ? [each.tool] : []))
  return {
    ...services,
    limits: {
      ...(policies.length > 0 ? { teamRules: policies.map(({ of, rules }) => compileRules(rules, of)) } : {}),
      ...(limiting ? { budget: limiting } : {}),
      timeouts: {
        ...(timeouts.tool === undefined ? {} : { tool: timeouts.tool }),
        ...(timeouts.model === undefined ? {} : { model: timeouts.model }),
        ...(timeouts.human === undefined ? {} : { human: timeouts.human }),
      },
      ...(breakOn.length > 0 ? { breakOn } : {}),
      ...(guards.repetition ? { repetition: createRepetitionGuard(guards.repetition) } : {}),
    },
  }
}
