/** Compaction: when a conversation has grown, its older messages become a summary, which is recorded and stored with the turn. */
import { TroupeError } from '../../core/index.ts'
import { askSummary, chainOf } from '../model/ask-model.ts'
import { carriedText, linesOf, summaryByRules } from '../model/content/carried-text.ts'
import { answerText, type ThreadMessage } from '../model/content/model-messages.ts'
import type { LlmRun } from '../model/llm-run.ts'

/** Of a summary by a model. */
const summaryTokens = 1_000
/** The offline model extracts sentences, and does not summarise. */
const offlineProvider = 'offline/'

/** @param committed the turn before: its messages are durable before a model reads them once more */
export async function compactThread(run: LlmRun, committed: Promise<void> | undefined): Promise<void> {
  const { definition, entry, thread } = run
  const { compaction } = definition.memory
  if (!compaction) return
  const { at, retain = Math.floor(at / 2) } = compaction
  if (thread.tokens(undefined) <= at) return
  const old = thread.beforeNewest(retain)
  if (!old) return
  await committed
  const text = (await summaryByModel(run, old.messages)) ?? (await recordedSummary(run, old.messages))
  run.texts.learn(thread.summarise(text, old.through), entry.recorder.taint)
}

/** Undefined where the agent summarises by rules, or its model failed. */
async function summaryByModel(run: LlmRun, messages: readonly ThreadMessage[]): Promise<string | undefined> {
  const { definition, entry, report } = run
  const [first] = chainOf(run)
  const isOffline = first === undefined || entry.services.models.nameOf(first).startsWith(offlineProvider)
  if (definition.memory.compaction?.by === 'rules' || isOffline) return undefined
  const lines = linesOf(definition.name, messages)
  try {
    const answer = await askSummary(run, carriedText({ kind: 'all', lines }) ?? '', summaryTokens)
    report.answered(answer)
    return carriedText({ kind: 'summary', lines: [{ from: definition.name, text: answerText(answer) }] })
  } catch (error) {
    // The call is in the record as failed, so a repeated execution takes the same way.
    if (error instanceof TroupeError && error.code.startsWith('model.')) return undefined
    throw error
  }
}

/** Recorded, since a later release may have other rules. */
const recordedSummary = ({ definition, entry }: LlmRun, messages: readonly ThreadMessage[]): Promise<string> =>
  entry.recorder.answer({ kind: 'summary', name: entry.thread }, () => {
    const summary = summaryByRules(linesOf(definition.name, messages))
    return carriedText(summary) ?? ''
  })
