/** A team as the server shows it, which `teamAsYaml` and `teamAsTypeScript` write. */
import type { Runs } from 'troupe'

import type { AnswerOf } from 'troupe/client'

export type AgentDefinition = AnswerOf<'agents.get'>

export interface SavedTeam {
  readonly name: string
  readonly topology: Runs.CanonicalTopology
  /** By the names of the agents, without those that the server does not show. */
  readonly definitions: ReadonlyMap<string, AgentDefinition>
}

/** Returns the names of the agents that have a definition, each once. */
export const definedAgents = ({ nodes }: Runs.CanonicalTopology): readonly string[] => [
  ...new Set(nodes.flatMap(({ kind, name, agent = name, role }) => (kind === 'agent' && !role ? [agent] : []))),
]

/** Returns a sentence for each part of an agent, besides its tools, that no server shows. */
export function missingOfAgent(agent: string, definition: AgentDefinition | undefined): readonly string[] {
  if (!definition) return [`The definition of the agent '${agent}' is yours: the server does not show it.`]
  const { kind, instructions, toolSources, helpers, code, pool } = definition
  return [
    ...(kind === 'function' ? [`The code of the agent '${agent}' is yours.`] : []),
    ...(kind === 'model' && instructions === undefined
      ? [`The code that writes the instructions of the agent '${agent}' is yours.`]
      : []),
    ...toolSources.map((source) => `The source of tools '${source}' is yours: add it to the tools of '${agent}'.`),
    ...helpers.map((helper) => `The agent behind the tool '${helper}' is yours: add it to the agents of '${agent}'.`),
    ...code.map((option) => `The option '${option}' of the agent '${agent}' holds code or an address, and is yours.`),
    ...(pool ? [`The agent '${agent}' is a pool of ${pool.size} instances: its AgentPool is yours.`] : []),
  ]
}
