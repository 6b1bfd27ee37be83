/** The part of its thread that a hand-off of an LlmAgent carries. */
import type { Routing } from '../../agent-port.ts'
import { askSummary } from '../ask-model.ts'
import type { LlmRun } from '../llm-run.ts'
import { carriedText, summaryByRules } from './carried-text.ts'

/** The highest number of tokens of a summary by a model. */
const summaryTokens = 1_000

/**
 * Adds the carried part to a hand-off: the complete thread, or a summary by the agent's model, or by rules if that model is
 * offline, fails or returns no text.
 */
export async function carriedByModel(run: LlmRun, routing: Routing): Promise<Routing> {
  const { definition, thread } = run
  const { history } = definition.handOff
  if (routing.kind !== 'handOff' || history === undefined || history === 'none') return routing
  const carried = thread.history(definition.name)
  if (history === 'all') return { ...routing, carried }
  const text = await askSummary(run, carriedText(carried) ?? '', summaryTokens)
  return {
    ...routing,
    carried: text === '' ? summaryByRules(carried) : { kind: 'summary', lines: [{ from: definition.name, text }] },
  }
}
