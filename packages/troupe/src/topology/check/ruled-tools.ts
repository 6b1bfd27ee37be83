/** The tools of a team as a policy sees them: which rules are about each, of the troupe, the team, its agent and itself. */
import { type Agent, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { type CompiledRule, compileRules } from '../../security/index.ts'
import { type Tool, toolRules } from '../../tools/index.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { CompiledTopology } from '../define-topology.ts'
import { withHelpers } from './with-helpers.ts'

export interface RuledTool {
  readonly agent: string
  readonly tool: Tool
  /** One list for each origin; the first list is the troupe's. */
  readonly rules: readonly (readonly CompiledRule[])[]
}

/** An agent, and its helpers as deep as they go. */
export const allAgents = ({ agents }: Pick<CompiledTopology, 'agents'>): readonly Agent[] => [
  ...new Set([...agents.values()].flatMap((agent) => [...withHelpers(agent)])),
]

export const teamRules = ({ policies = [] }: PinnedConfig): readonly (readonly CompiledRule[])[] =>
  policies.map(({ of, rules }) => compileRules(rules, of))

export function ruledTools(
  topology: Pick<CompiledTopology, 'agents'>,
  config: PinnedConfig,
  troupe: readonly CompiledRule[],
): readonly RuledTool[] {
  const team = teamRules(config)
  return allAgents(topology).flatMap((agent) => {
    if (!(agent instanceof BaseLlmAgent)) return []
    const { tools, rules } = definitionOf(agent)
    return [...tools.values()].map((tool) => ({
      agent: agent.name,
      tool,
      rules: [troupe, ...team, rules, toolRules(tool) ?? []],
    }))
  })
}
