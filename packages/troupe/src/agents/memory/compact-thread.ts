/** Compaction: when a conversation has grown, its older messages become a summary, which is recorded and stored with the turn. */
import type { EventPayloads, Json } from '../../core/index.ts'
import type { ModelAnswer } from '../../models/index.ts'
import type { CarriedHistory } from '../agent-port.ts'
import { askSummary, isOfflineModel, unlessModelFailed } from '../model/ask-model.ts'
import { carriedText, summaryByRules } from '../model/content/carried-text.ts'
import { answerText, charactersPerToken } from '../model/content/model-messages.ts'
import type { LlmRun } from '../model/llm-run.ts'

/** Of a summary by a model, where there is room for as many. */
const maxSummaryTokens = 1_000
/** Of the message around a summary. */
const framingTokens = 30

/** @param committed the turn before: its messages are durable before a model reads them once more */
export async function compactThread(run: LlmRun, committed: Promise<void> | undefined): Promise<void> {
  const { definition, entry, thread } = run
  const { compaction } = definition.memory
  if (!compaction) return
  const { at, retain = Math.floor(at / 2) } = compaction
  const before = thread.tokens(undefined)
  if (before <= at) return
  const old = thread.beforeNewest(definition.name, retain)
  if (!old) return
  await committed
  // As much again stays free for new messages: else each of them would need another summary.
  const tokens = Math.floor((at - retain) / 2) - framingTokens
  const made = await summaryByModel(run, old.history, tokens)
  const summary = made ?? (await recordedSummary(run, old.history, tokens))
  run.texts.learn(thread.summarise(summary, old.through), entry.recorder.taint)
  emitCompacted(run, { messages: old.through, tokens: before, by: made ? 'model' : 'rules' })
}

/** Recorded, so that a step that is entered again does not emit it twice. */
function emitCompacted(
  { definition, entry }: LlmRun,
  fields: Pick<EventPayloads['thread.compacted'], 'messages' | 'tokens' | 'by'>,
): void {
  const { recorder, services, thread } = entry
  recorder.answerNow<Json>({ kind: 'thread.compacted', name: thread }, () => {
    const { userId } = recorder.principal
    const at = services.clock.now()
    services.events.emit({ type: 'thread.compacted', at, userId, agent: definition.name, thread, ...fields })
    return true
  })
}

/** Undefined where the agent summarises by rules, or its model failed. */
async function summaryByModel(
  run: LlmRun,
  history: CarriedHistory,
  tokens: number,
): Promise<CarriedHistory | undefined> {
  const { definition, report } = run
  if (definition.memory.compaction?.by === 'rules' || isOfflineModel(run)) return undefined
  const asked = askSummary(run, carriedText(history) ?? '', Math.min(tokens, maxSummaryTokens))
  const answer = await unlessModelFailed<ModelAnswer | undefined>(asked, undefined)
  if (!answer) return undefined
  report.answered(answer)
  // Not every model observes its limit, nor counts as we do.
  const text = answerText(answer).slice(0, tokens * charactersPerToken)
  return { kind: 'summary', lines: [{ from: definition.name, text }] }
}

/** Recorded, since a later release may have other rules. */
async function recordedSummary({ entry }: LlmRun, history: CarriedHistory, tokens: number): Promise<CarriedHistory> {
  const recorded = await entry.recorder.answer(
    { kind: 'summary', name: entry.thread },
    () => summaryByRules(history, tokens * charactersPerToken) as unknown as Json,
  )
  return recorded as unknown as CarriedHistory
}
