/**
 * Compaction: a summary replaces the older messages of a long thread in prompts. It is recorded and stored with the
 * turn.
 */
import { type EventPayloads, invalidInput, type Json, show, TroupeError, truncateText } from '../../core/index.ts'
import type { ModelAnswer } from '../../models/index.ts'
import type { CarriedHistory } from '../agent-port.ts'
import { compactionTokens, type Summarise } from '../definitions/memory-options.ts'
import { askModel, askSummary } from '../model/ask-model.ts'
import { carriedText, summaryByRules } from '../model/content/carried-text.ts'
import { charactersPerToken } from '../model/content/model-messages.ts'
import type { LlmRun } from '../model/llm-run.ts'

/** The highest number of tokens of a summary by a model. */
const maxSummaryTokens = 1_000
/** The tokens of the message around a summary. */
const framingTokens = 30

/** The highest number of compactions of one turn after the model has rejected the prompt for its length. */
const maxRejections = 2

/** @param committed the commit of the turn before, whose messages must be durable before a model summarises them */
export async function compactThread(run: LlmRun, committed: Promise<void> | undefined): Promise<void> {
  const at = compactionTokens(run.definition, run.entry.services.external.models)
  if (at !== undefined && run.thread.tokens(undefined) > at) await compactTo(run, at, committed)
}

/**
 * Asks the model. If it rejects the prompt for its length, because tokens are estimated, an agent with compaction summarises
 * the older half of its thread and asks once more.
 */
export async function askCompacting(
  run: LlmRun,
  turn: number,
  committed: Promise<void> | undefined,
): Promise<ModelAnswer> {
  const { definition, thread } = run
  for (let compactions = 0; ; compactions++) {
    try {
      return await askModel(run, compactions === 0 ? `${turn}` : `${turn} shortened ${compactions}`)
    } catch (error) {
      const isTooLong = error instanceof TroupeError && error.code === 'model.too_long'
      if (!isTooLong || !definition.memory.compaction || compactions >= maxRejections) throw error
      if (!(await compactTo(run, Math.floor(thread.tokens(undefined) / 2), committed))) throw error
    }
  }
}

/** @returns false if no message is old enough to be summarised */
async function compactTo(run: LlmRun, at: number, committed: Promise<void> | undefined): Promise<boolean> {
  const { definition, entry, thread } = run
  const before = thread.tokens(undefined)
  const retain = Math.floor(at / 2)
  const old = thread.beforeNewest(definition.name, retain, definition.memory.compaction?.retainTurns)
  if (!old) return false
  await committed
  // The same amount stays free for new messages; otherwise each of them would need another summary.
  const tokens = Math.floor((at - retain) / 2) - framingTokens
  const { summary, by } = await summaryOf(run, old.history, tokens)
  run.texts.learn(thread.summarise(summary, old.through), entry.recorder.taint)
  emitCompacted(run, { messages: old.through, tokens: before, by })
  return true
}

async function summaryOf(
  run: LlmRun,
  history: CarriedHistory,
  tokens: number,
): Promise<{ readonly summary: CarriedHistory; readonly by: EventPayloads['thread.compacted']['by'] }> {
  const by = run.definition.memory.compaction?.by
  if (typeof by === 'function')
    return { summary: await recordedSummary(run, () => summaryByFunction(run, by, history, tokens)), by: 'function' }
  const summary = await summaryByModel(run, history, tokens)
  if (summary) return { summary, by: 'model' }
  const byRules = () => summaryByRules(history, tokens * charactersPerToken)
  return { summary: await recordedSummary(run, byRules), by: 'rules' }
}

/** Emits the event once: it is recorded, so that a replay does not repeat it. */
function emitCompacted(
  { definition, entry }: LlmRun,
  fields: Pick<EventPayloads['thread.compacted'], 'messages' | 'tokens' | 'by'>,
): void {
  const { recorder, services, thread } = entry
  recorder.answerNow<Json>({ kind: 'thread.compacted', name: thread }, () => {
    const { userId } = recorder.principal
    const at = services.platform.clock.now()
    services.platform.events.emit({ type: 'thread.compacted', at, userId, agent: definition.name, thread, ...fields })
    return true
  })
}

/** Returns the summary of the model; undefined if the agent summarises by rules or its model gives no summary. */
async function summaryByModel(
  run: LlmRun,
  history: CarriedHistory,
  tokens: number,
): Promise<CarriedHistory | undefined> {
  const { definition } = run
  if (definition.memory.compaction?.by === 'rules') return undefined
  const summary = await askSummary(run, carriedText(history) ?? '', Math.min(tokens, maxSummaryTokens))
  if (summary === '') return undefined
  // Models may exceed the limit, or count tokens differently.
  const text = truncateText(summary, tokens * charactersPerToken)
  return { kind: 'summary', lines: [{ from: definition.name, text }] }
}

/** @throws ValidationError if the function returns anything but a text with content */
async function summaryByFunction(
  { definition: { name } }: LlmRun,
  summarise: Summarise,
  { lines }: CarriedHistory,
  maxTokens: number,
): Promise<CarriedHistory> {
  const text = await summarise({ agent: name, messages: lines, maxTokens })
  if (typeof text !== 'string' || text.trim() === '')
    throw invalidInput(`memory.compaction.by of ${name}`, `it returned ${show(text)}`)
  return { kind: 'summary', lines: [{ from: name, text: truncateText(text, maxTokens * charactersPerToken) }] }
}

/** Records the summary, because a later release may have other rules and a function may return another text. */
async function recordedSummary(
  { entry }: LlmRun,
  summarise: () => CarriedHistory | Promise<CarriedHistory>,
): Promise<CarriedHistory> {
  return entry.recorder.answer<CarriedHistory>({ kind: 'summary', name: entry.thread }, summarise)
}
