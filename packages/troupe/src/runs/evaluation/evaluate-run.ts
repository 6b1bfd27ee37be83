/**
 * Executes a past run again in a separate troupe in memory, from the same start and with the change, and scores both
 * answers.
 */
import { threadHistory, threadKey, threadMessagesOf } from '../../agents/index.ts'
import {
  construct,
  failure,
  type Json,
  reportCallback,
  type StoredError,
  storeError,
  type UserId,
} from '../../core/index.ts'
import { type CompiledTopology, lowerLimits, type RunLimits } from '../../topology/index.ts'
import { editedAgents } from '../engine/forks/edited-agents.ts'
import type { ForkOptions } from '../engine/forks/fork-options.ts'
import type { ForkSource } from '../engine/forks/fork-run.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'
import type { OrchestraParts } from '../engine/orchestra-parts.ts'
import { Run } from '../engine/run.ts'
import { type RunResult, revive } from '../engine/run-result.ts'
import type { RunSpec } from '../engine/starts/run-spec.ts'
import { prepareRun } from '../engine/starts/start-run.ts'
import { readAccount } from '../engine/store/account-text.ts'
import { readRetainedRecords } from '../engine/store/retained-records.ts'
import type { RunRow } from '../engine/store/run-store.ts'
import { PastRun } from '../history/past-run.ts'
import type { Pinned } from '../machine/machine-events.ts'
import type { OpenEvaluationTroupe } from './evaluation-troupe.ts'
import { layOut, pastContext } from './past-context.ts'
import { RecordedAnswers } from './recorded-answers.ts'
import { RecordedCalls, recordedCallsOf, type UnrecordedCall, UnrepeatedCalls } from './recorded-calls.ts'
import { scoreAnswer } from './score-answer.ts'
import { createScoreContext } from './scorers/create-score-context.ts'
import { needsSources, type ScoreContext, type ScoredRun, type ScoreFunction } from './scorers/score-function.ts'
import { sourcesOf } from './sources-of.ts'

/** What an evaluation changes. Without a change it measures how much answers vary. */
export interface EvaluationChange extends Pick<NonNullable<ForkOptions['edit']>, 'model' | 'prompts'> {
  /** The team in place of that of the past run, with its configuration; by default the team of the past run. */
  readonly topology?: CompiledTopology
}

/** The metrics of one side. */
export type RunMetrics = {
  /** The score of the answer. */
  readonly quality: number
  /** The number of steps. */
  readonly steps: number
  /** The number of input and output tokens. */
  readonly tokens: number
  /** The cost in US dollars; model calls without a known price are missing. */
  readonly cost: number
  /** The time from the start to the end in ms. */
  readonly durationMs: number
}

/** A past run that was executed again, with both results. */
export type EvaluatedRun = {
  /** The id of the past run. */
  readonly run: string
  /**
   * `scored`: both answers have a score. `failed`: the execution or the scorer failed. `skipped`: the budget was
   * exhausted before it started.
   */
  readonly status: 'scored' | 'failed' | 'skipped'
  /** The metrics of the past run; absent unless it is scored. */
  readonly original?: RunMetrics
  /** The metrics of the new execution; absent unless it is scored. */
  readonly candidate?: RunMetrics
  /** The response of the new execution; absent unless it is scored. */
  readonly response?: Json
  /** The error for which it failed; absent otherwise. */
  readonly error?: StoredError
  /** The calls that the past run had not made; any of them fails this run. */
  readonly unrecorded: readonly UnrecordedCall[]
  /**
   * The keys of context entries whose versions at that time are no longer stored, so that the execution did not have
   * them.
   */
  readonly missingKeys: readonly string[]
  /** The usage of the execution and its scorer, also if it failed. */
  readonly spent: Spent
}
/** The use of models. */
export type Spent = {
  /** The number of input and output tokens. */
  readonly tokens: number
  /** The cost in US dollars; model calls without a known price are missing. */
  readonly cost: number
}
export type SpendingShare = Partial<Spent>

export interface EvaluationParts {
  readonly host: OrchestraHost
  readonly user: UserId
  readonly open: OpenEvaluationTroupe
  readonly score: ScoreFunction
  /** The new execution: what differs from the past run, and which calls it makes again. */
  readonly candidate: { readonly change: EvaluationChange; readonly live: boolean; readonly repeat: boolean }
  readonly signal: AbortSignal | undefined
}

/** The results so far, for the report of a failure. */
export interface PartialReport {
  unrecorded: readonly UnrecordedCall[]
  missingKeys: readonly string[]
  spent: Spent
}

export const emptyReport = (): PartialReport => ({ unrecorded: [], missingKeys: [], spent: { tokens: 0, cost: 0 } })

/**
 * Never rejects except for its signal: a failure is part of the report.
 * @param known receives the usage, also if the signal aborts
 */
export async function evaluateRun(
  parts: EvaluationParts,
  row: RunRow,
  share: SpendingShare,
  known = emptyReport(),
): Promise<EvaluatedRun> {
  try {
    const outcome = await scored(parts, row, share, known)
    return { run: row.run, status: 'scored', ...outcome, ...known }
  } catch (error) {
    if (parts.signal?.aborted) throw error
    const stored = storeError(error)
    // The troupe of an evaluation has no log, so an unexpected error is reported to that of the application.
    if (stored.errorId !== undefined)
      reportCallback(parts.host.parts.platform, { callback: 'evaluation', name: row.run, userId: parts.user }, error)
    return { run: row.run, status: 'failed', error: stored, ...known }
  }
}

async function scored(parts: EvaluationParts, row: RunRow, share: SpendingShare, known: PartialReport) {
  const { host, user, open, signal } = parts
  const { live, repeat } = parts.candidate
  const past = PastRun.of(row.run, await readRetainedRecords(host.parts, user, row))
  const source = await host.source(user, row.run)
  const history = await historyOf(host.parts, user, source.pinned)
  const spec = specOf(parts, source, { past, share, history })
  const then = await pastContext(host.parts, user, row, past)
  known.missingKeys = then.missingKeys
  const calls = await recordedCallsOf(host.parts, user, row)
  const recorded = live ? undefined : new RecordedCalls(calls)
  const once =
    live && !repeat ? new UnrepeatedCalls(row.run, calls, host.parts.agents.services.external.recording) : undefined
  const evaluationTroupe = await open(recorded ?? once)
  const scoring = createScoreContext(host.parts.agents.services.external.models, user, signal)
  try {
    await layOut(then, evaluationTroupe, host.parts, user, spec.agents.keys())
    signal?.throwIfAborted()
    // A live execution needs new idempotency keys; otherwise external services would consider its calls repetitions.
    const id = live ? host.parts.platform.ids.next() : row.run
    const run = Run[construct](evaluationTroupe.host, user, await evaluationTroupe.host.begin(user, { run: id, spec }))
    const result = await new RecordedAnswers(past.events, live)
      .toEnd(run, signal ? { signal } : {})
      .catch(async (error: unknown) => {
        if (signal?.aborted) known.spent = await usageOfStopped(run)
        throw error
      })
    known.spent = spentOf(result)
    known.unrecorded = recorded?.missing ?? []
    if (once?.repeated) throw once.repeated
    const [missing] = known.unrecorded
    if (missing) throw failure('evaluation.unrecorded', { kind: missing.kind, name: missing.name })
    if (result.status !== 'completed') throw unfinished(row.run, result)
    const before = revive(row.run, await readAccount(row.result as string, host.parts.platform.clock))
    const about = { id: row.run, task: spec.task, original: before.response, expected: before.response }
    const original = await sideOf(parts.score, scoring, { ...about, side: 'original', result: before }, () =>
      sourcesOf(host, user, row),
    )
    const candidate = await sideOf(parts.score, scoring, { ...about, side: 'candidate', result }, async () =>
      sourcesOf(evaluationTroupe.host, user, await evaluationTroupe.host.row(user, id)),
    )
    return { original, candidate, ...(result.response === undefined ? {} : { response: result.response }) }
  } finally {
    const { tokens, cost } = known.spent
    known.spent = { tokens: tokens + scoring.spent.tokens, cost: cost + scoring.spent.cost }
    await evaluationTroupe.close()
  }
}

/** Stops a run, and returns what its models have used. */
async function usageOfStopped(run: Run): Promise<Spent> {
  await run.cancel()
  return spentOf(await run.result())
}

const spentOf = (result: RunResult): Spent => ({ tokens: tokensOf(result), cost: result.cost.usd })
const tokensOf = ({ usage }: RunResult) => usage.inputTokens + usage.outputTokens

/** Returns the specification of the past run with the change, without its breakpoints. */
function specOf(
  { candidate: { change }, host }: EvaluationParts,
  source: ForkSource,
  {
    past,
    share,
    history,
  }: {
    readonly past: PastRun
    readonly share: SpendingShare
    readonly history: Pinned['history']
  },
): RunSpec {
  const [record] = past.records
  const task = record?.input.type === 'start' ? record.input.task : null
  const { limits } = host.parts.settings
  const { topology, config, agents } = teamOf(change, task, source, limits)
  const edited = editedAgents(agents, change)
  const { debug: _, ...plain } = config
  const least = (name: 'tokens' | 'cost') => {
    const limits = [config.budget[name], share[name]].filter((limit) => limit !== undefined)
    return limits.length === 0 ? {} : { [name]: Math.min(...limits) }
  }
  const budget = lowerLimits({ ...config.budget, ...least('tokens'), ...least('cost') }, limits)
  const fingerprints = Object.fromEntries([...edited].map(([name, agent]) => [name, agent.fingerprint]))
  const pinned: Pinned = { topology, config: { ...plain, budget }, fingerprints, ...(history ? { history } : {}) }
  return { task, pinned, tags: [], agents: edited }
}

/** Returns what the thread of the past run had said before it, also if an agent alone read it by itself. */
async function historyOf(
  { agents }: OrchestraParts,
  user: UserId,
  { thread, history }: Pinned,
): Promise<Pinned['history']> {
  if (thread?.kind !== 'agent') return history
  const stored = await agents.services.records.threadMessages.load(user, threadMessagesOf(threadKey(thread)))
  return threadHistory(thread.name, stored.slice(0, thread.length))
}

function teamOf({ topology }: EvaluationChange, task: Json, { pinned, agents }: ForkSource, limits: RunLimits) {
  if (!topology) return { topology: pinned.topology, config: pinned.config, agents }
  const spec = prepareRun({ task, topology }, undefined, limits)
  return { topology: spec.pinned.topology, config: spec.pinned.config, agents: spec.agents }
}

function unfinished(run: string, { status, reason, guard, error }: RunResult): Error {
  if (error) return error
  const why = guard ? `the guard ${guard.name} ended it at ${guard.used} of ${guard.limit}` : reason
  return failure('evaluation.unfinished', { run, status: why === undefined ? status : `${status}, ${why}` })
}

async function sideOf(
  score: ScoreFunction,
  context: ScoreContext,
  about: Omit<ScoredRun, 'response' | 'sources'>,
  sources: () => Promise<readonly Json[]>,
): Promise<RunMetrics> {
  const { result } = about
  const sourceTexts = needsSources(score) ? await sources() : []
  const run = { ...about, response: result.response, sources: [about.task, ...sourceTexts] }
  const { score: quality } = await scoreAnswer(['evaluate', score], run, context)
  const { totalSteps: steps, cost, durationMs } = result
  return { quality, steps, tokens: tokensOf(result), cost: cost.usd, durationMs }
}
