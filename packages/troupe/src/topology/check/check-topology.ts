/** Checks teams: reports errors and likely problems before a run starts. */
import type { CompiledRule, Roles } from '../../security/index.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { CompiledTopology } from '../define-topology.ts'
import { checkAgents } from './check-agents.ts'
import { checkBudget } from './check-budget.ts'
import { checkCost, type Prices } from './check-cost.ts'
import { checkForm } from './check-form.ts'
import { checkJoins } from './check-joins.ts'
import { checkModels, type KnownModels } from './check-models.ts'
import { checkPolicies } from './check-policies.ts'
import { checkRoles } from './check-roles.ts'
import { checkSchemas } from './check-schemas.ts'
import { checkShape } from './check-shape.ts'
import { checkTaintPaths } from './check-taint-paths.ts'
import type { Finding } from './finding.ts'

export type { Finding } from './finding.ts'

const rank = { error: 0, warning: 1, advice: 2 } as const

/** The parts of the troupe that agents refer to; checks of absent parts are skipped. */
export interface CheckContext {
  readonly models?: Prices & KnownModels
  readonly roles?: Roles
  /** The policy of the troupe. */
  readonly rules?: readonly CompiledRule[]
}

/** Checks a topology. @returns findings, errors first; a run does not start if there is an error */
export function checkTopology(
  topology: CompiledTopology,
  config: PinnedConfig,
  { models, roles, rules = [] }: CheckContext = {},
): readonly Finding[] {
  return [
    ...checkShape(topology.canonical, config),
    ...checkJoins(topology.canonical, config),
    ...checkAgents(topology),
    ...checkRoles(topology, roles),
    ...checkModels(topology, models),
    ...checkSchemas(topology),
    ...checkBudget(topology.canonical, config),
    ...checkCost(topology, config, models),
    ...checkPolicies(topology, config, rules),
    ...checkForm(topology),
    ...checkTaintPaths(topology, config, rules),
    ...(topology.findings ?? []),
  ].sort((a, b) => rank[a.severity] - rank[b.severity])
}
