/** Explains a run whose journal retention has deleted: how it ended, what it cost, and how long its row remains. */
import { readAccountOutline } from '../../engine/store/account-text.ts'
import type { RetentionTimes } from '../../engine/store/retained-records.ts'
import type { RunRow } from '../../engine/store/run-store.ts'
import type { RunExplanation } from './explain.ts'
import { dollars } from './explain-cost.ts'
import type { ExplanationLine } from './explanation-line.ts'

export function explainExpired(
  { status, result }: RunRow,
  { replayableUntil, retainedUntil }: RetentionTimes,
): RunExplanation {
  const sentences: ExplanationLine[] = [
    {
      about: 'retained',
      text: `Its journal was stored until ${replayableUntil} and is gone: its path and the reasons are no longer known.`,
    },
    { about: 'retained', text: `Its result with usage, cost and branch results is stored until ${retainedUntil}.` },
  ]
  const last = result === null ? undefined : readAccountOutline(result)
  if (last?.guard) {
    const { name, used, limit } = last.guard
    sentences.push({
      about: 'guard',
      text: `The guard ${name} stopped it${limit > 0 ? ` at ${used} of ${limit}` : ''}.`,
    })
  }
  if (last?.error)
    sentences.push({
      about: 'failed',
      text: `It ended with: ${last.error.message} [${last.error.code}]`,
      error: last.error,
    })
  const tokens = last ? last.usage.inputTokens + last.usage.outputTokens : 0
  if (last && tokens > 0)
    sentences.push({ about: 'cost', text: `It used ${tokens} tokens for ${dollars(last.cost.usd)}.` })
  return { status, sentences, causes: [] }
}
