/**
 * The tools of a team with the policy rules that apply to each: of the troupe, the team, the agent and the tool itself.
 */
import { BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { type CompiledRule, compileRules } from '../../security/index.ts'
import { type Tool, toolRules } from '../../tools/index.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { CompiledTopology } from '../define-topology.ts'
import { allAgents } from './with-helpers.ts'

export interface RuledTool {
  readonly agent: string
  readonly tool: Tool
  /** One list for each source of rules; the first list is the troupe's. */
  readonly rules: readonly (readonly CompiledRule[])[]
}

export const teamRules = ({ policies = [] }: PinnedConfig): readonly (readonly CompiledRule[])[] =>
  policies.map(({ of, rules }) => compileRules(rules, of))

export function ruledTools(
  topology: Pick<CompiledTopology, 'agents'>,
  config: PinnedConfig,
  troupe: readonly CompiledRule[],
): readonly RuledTool[] {
  const team = teamRules(config)
  return [...allAgents(topology)].flatMap((agent) => {
    if (!(agent instanceof BaseLlmAgent)) return []
    const { tools, rules } = definitionOf(agent)
    return [...tools.values()].map((tool) => ({
      agent: agent.name,
      tool,
      rules: [troupe, ...team, rules, toolRules(tool) ?? []],
    }))
  })
}
