/** The part of its thread that a hand-off of an LlmAgent carries. */
import type { Routing } from '../../agent-port.ts'
import { askSummary, chainOf } from '../ask-model.ts'
import type { LlmRun } from '../llm-run.ts'
import { carriedText, summaryByRules } from './carried-text.ts'
import { answerText } from './model-messages.ts'

/** The highest number of tokens of a summary by a model. */
const summaryTokens = 1_000
/** The offline model extracts sentences, and does not summarise. */
const offlineProvider = 'offline/'

/**
 * Adds the carried part to a hand-off: the complete thread, or a summary by the agent's model, or by rules if it is
 * offline.
 */
export async function carriedByModel(run: LlmRun, routing: Routing): Promise<Routing> {
  const { definition, entry, thread, report } = run
  const { history } = definition.handOff
  if (routing.kind !== 'handOff' || history === undefined || history === 'none') return routing
  const carried = thread.history(definition.name)
  if (history === 'all') return { ...routing, carried }
  const [first] = chainOf(run)
  if (first === undefined || entry.services.external.models.nameOf(first).startsWith(offlineProvider))
    return { ...routing, carried: summaryByRules(carried) }
  const answer = await askSummary(run, carriedText(carried) ?? '', summaryTokens)
  report.answered(answer)
  return { ...routing, carried: { kind: 'summary', lines: [{ from: definition.name, text: answerText(answer) }] } }
}
