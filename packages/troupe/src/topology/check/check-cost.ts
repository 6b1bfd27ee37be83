/** Checks the maximum usage of models against the budgets of tokens and cost. */
import { BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import type { Models } from '../../models/index.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'
import { allAgents } from './with-helpers.ts'

export type Prices = Pick<Models, 'nameOf' | 'costOf'>

/** The defaults of an LlmAgent's settings. */
const defaults = { turns: 50, outputTokens: 1_000 }

/**
 * Counts output only, because the input is not known in advance. Each agent and helper counts once, because the number
 * of its executions may be unbounded.
 */
export function checkCost(topology: CompiledTopology, { budget }: PinnedConfig, prices?: Prices): Finding[] {
  if (budget.tokens === undefined && budget.cost === undefined) return []
  const findings: Finding[] = []
  let tokens = 0
  let cost = 0
  for (const agent of allAgents(topology)) {
    if (!(agent instanceof BaseLlmAgent)) continue
    const { settings, chain } = definitionOf(agent)
    const outputTokens = (settings.maxTurns ?? defaults.turns) * (settings.maxOutputTokens ?? defaults.outputTokens)
    tokens += outputTokens
    const [model] = chain
    if (budget.cost === undefined || !prices || model === undefined) continue
    const name = prices.nameOf(model)
    const price = prices.costOf(name, { inputTokens: 0, outputTokens })
    if (price === undefined) findings.push(unpriced(agent.name, name))
    cost += price ?? 0
  }
  if (budget.tokens !== undefined && tokens > budget.tokens)
    findings.push(worst('tokens', `${tokens} tokens`, String(budget.tokens)))
  if (budget.cost !== undefined && cost > budget.cost)
    findings.push(worst('cost', `$${cost.toFixed(2)}`, `$${budget.cost}`))
  return findings
}

const worst = (name: 'tokens' | 'cost', used: string, limit: string): Finding => ({
  code: 'budget.worst_case',
  severity: 'warning',
  location: `config.budget.${name}`,
  message: `If each model uses all its turns and output tokens, a run uses at least ${used}; the budget is ${limit}`,
  remedy: `Lower settings.maxTurns or settings.maxOutputTokens, raise budget.${name}, or accept that the guard may end the run`,
})

const unpriced = (agent: string, model: string): Finding => ({
  code: 'budget.worst_case',
  severity: 'warning',
  location: agent,
  message: `The price of ${model}, the model of ${agent}, is unknown, so the cost budget does not include it`,
  remedy: 'Add its price to createTroupe({ prices }), or set budget.tokens',
})
