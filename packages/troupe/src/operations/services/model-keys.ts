/** Finds models of agents whose API key is missing, so that a troupe reports them before a run needs them. */
import { type Agent, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import type { TroupeError } from '../../core/index.ts'
import type { ModelSpec, Models } from '../../models/index.ts'
import { withHelpers } from '../../topology/index.ts'
import type { TroupeParts } from '../troupe-parts.ts'

export interface MissingModelKey {
  /** `provider/model`. */
  readonly model: string
  /** Names the variable or the secret. */
  readonly error: TroupeError
  /** True if another model of the same chain can be called. */
  readonly isReplaceable: boolean
}

export const registeredAgents = ({ agents, teams }: TroupeParts['settings']): readonly Agent[] => [
  ...agents.values(),
  ...[...teams.values()].flatMap((team) => [...team.agents.values()]),
]

/** Checks the default models, those of agents and their helpers, and the embedding model. */
export async function missingModelKeys(models: Models, agents: readonly Agent[]): Promise<readonly MissingModelKey[]> {
  const { missingKeys } = models
  if (!missingKeys) return []
  const all = new Set(agents.flatMap((agent) => [...withHelpers(agent)]))
  const chains: (readonly ModelSpec[])[] = [[]]
  for (const agent of all) if (agent instanceof BaseLlmAgent) chains.push(definitionOf(agent).chain)
  const { embedding } = models
  if (typeof embedding === 'string') chains.push([embedding])
  const found = new Map<string, MissingModelKey>()
  for (const chain of chains) {
    const asked = await missingKeys(chain)
    const isReplaceable = asked.some(({ obstacle }) => !obstacle)
    for (const { model, obstacle: error } of asked)
      if (error && found.get(model)?.isReplaceable !== false) found.set(model, { model, error, isReplaceable })
  }
  return [...found.values()]
}
