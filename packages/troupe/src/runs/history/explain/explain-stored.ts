/** Explains a run with what the storage has about it: its journal while it is stored, its row afterwards. */
import type { UserId } from '../../../core/index.ts'
import { type RecordedEffect, runJournal, stepJournal } from '../../../journal/index.ts'
import type { PolicyDecision } from '../../../security/index.ts'
import type { OrchestraParts } from '../../engine/orchestra-parts.ts'
import { readAccountOutline } from '../../engine/store/account-text.ts'
import type { RetentionTimes } from '../../engine/store/retained-records.ts'
import type { RunRow } from '../../engine/store/run-store.ts'
import type { PastRun } from '../past-run.ts'
import { explain, type RunExplanation } from './explain.ts'
import { dollars } from './explain-cost.ts'
import { explainedSteps } from './explain-policy.ts'
import { uncertainWaits } from './explain-uncertain.ts'
import type { ExplanationLine } from './explanation-line.ts'

export async function explainStored(
  parts: OrchestraParts,
  user: UserId,
  row: RunRow,
  past: PastRun,
): Promise<RunExplanation> {
  const { run } = row
  const content = await parts.journal.journals.load(user, runJournal(run))
  const holder = await parts.stores.store.holderOf(user, run)
  const children = row.endedAt === null ? await parts.stores.store.children(user, run) : []
  const childStates = new Map(children.map(({ parent: _, ...child }) => [child.run, child]))
  const steps = row.endedAt === null ? [] : uncertainWaits(past.events).map(({ step }) => step)
  const effects = new Map<string, readonly RecordedEffect[]>()
  for (const step of steps) effects.set(step, await parts.journal.steps.effects(user, stepJournal(run, step)))
  const decisions = new Map<string, { name: string; decision: PolicyDecision }[]>()
  for (const { step } of explainedSteps(past.events)) {
    const answers = await parts.journal.steps.answers(user, stepJournal(run, step), 'policy')
    const own = answers.map(({ name, value }) => ({ name, decision: value as unknown as PolicyDecision }))
    if (own.length > 0) decisions.set(step, own)
  }
  const ownership = content && {
    childStates,
    effects,
    decisions,
    takeovers: content.epoch - 1,
    owner: content.owner,
    isOwnedByOther: holder?.holder === 'other-process',
  }
  return explain(past, row, parts.platform.clock.now(), ownership)
}

/** Explains a run whose journal retention has deleted: how it ended, what it cost, and how long its row remains. */
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
