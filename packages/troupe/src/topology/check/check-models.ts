/** Checks that the models of agents can be called, before a run pays for the steps before them. */
import { type Agent, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { failure, type TroupeError } from '../../core/index.ts'
import type { Models } from '../../models/index.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'
import { allAgents } from './with-helpers.ts'

export type KnownModels = Pick<Models, 'obstacles'>

export function checkModels(topology: CompiledTopology, models?: KnownModels): Finding[] {
  return [...allAgents(topology)].flatMap((agent) =>
    agent instanceof BaseLlmAgent ? ofChain(agent, definitionOf(agent).chain, models) : [],
  )
}

/** An unknown model is a warning if another model of its chain can replace it. */
function ofChain({ name }: Agent, chain: ReturnType<typeof definitionOf>['chain'], models?: KnownModels): Finding[] {
  const asked = models?.obstacles?.(chain)
  if (!asked) return []
  if (asked.length === 0) return [found('model.missing', 'error', name, failure('model.missing', { agent: name }))]
  const severity = asked.every(({ obstacle }) => obstacle) ? 'error' : 'warning'
  return asked.flatMap(({ obstacle }) => (obstacle ? [found('model.unknown', severity, name, obstacle)] : []))
}

/** Checks the API keys of models. A missing key is a warning, because it may be set before the run needs it. */
export async function checkModelKeys(
  topology: CompiledTopology,
  models?: Pick<Models, 'missingKeys'>,
): Promise<Finding[]> {
  const findings = [...allAgents(topology)].map(async (agent) => {
    if (!(agent instanceof BaseLlmAgent) || !models?.missingKeys) return []
    const asked = await models.missingKeys(definitionOf(agent).chain)
    return asked.flatMap(({ obstacle }) =>
      obstacle ? [found('model.key_missing', 'warning', agent.name, obstacle)] : [],
    )
  })
  return (await Promise.all(findings)).flat()
}

const found = (
  code: Finding['code'],
  severity: Finding['severity'],
  agent: string,
  { message, hint = '' }: TroupeError,
): Finding => ({ code, severity, location: agent, message, remedy: hint })
