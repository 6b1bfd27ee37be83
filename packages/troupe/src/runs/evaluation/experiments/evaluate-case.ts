/** Executes one case of a data set as a durable run of one team, and scores its answer. */
import {
  construct,
  failure,
  hashText,
  type Json,
  reportCallback,
  storeError,
  type UserId,
} from '../../../core/index.ts'
import type { RunConfig } from '../../../topology/index.ts'
import type { OrchestraHost } from '../../engine/orchestra-host.ts'
import { Run } from '../../engine/run.ts'
import type { RunResult } from '../../engine/run-result.ts'
import type { TeamReference } from '../../engine/starts/resolve-team.ts'
import type { DatasetCase } from '../datasets/dataset.ts'
import { scoreAnswer } from '../score-answer.ts'
import { createScoreContext } from '../scorers/create-score-context.ts'
import { type NamedScores, needsSources, type Verdict } from '../scorers/score-function.ts'
import { sourcesOf } from '../sources-of.ts'
import type { CaseResult, ExperimentSide } from './experiment.ts'

export interface CaseParts {
  readonly host: OrchestraHost
  readonly user: UserId
  readonly experiment: string
  readonly config: RunConfig | undefined
  readonly scorers: NamedScores
  readonly signal: AbortSignal | undefined
}

export interface CaseTask {
  readonly case: DatasetCase
  readonly side: ExperimentSide
  readonly team: TeamReference
}

/** Returns the id of the run: the same for the same case, so that a second call finds the run of the first. */
export const runOfCase = (experiment: string, side: ExperimentSide, caseId: string): string =>
  `${experiment}.${side}.${hashText(caseId).slice(0, 16)}`

/** Rejects only if the signal aborts; the run then continues, and the next call waits for it. */
export async function evaluateCase(parts: CaseParts, task: CaseTask): Promise<CaseResult> {
  const { host, user, experiment, signal } = parts
  const run = runOfCase(experiment, task.side, task.case.id)
  const scoring = createScoreContext(host.parts.agents.services.external.models, user, signal)
  const about = { case: task.case.id, side: task.side, run, scoring: scoring.spent }
  let metrics = metricsOf(undefined)
  try {
    const result = await resultOf(parts, run, task)
    metrics = metricsOf(result)
    if (result.status !== 'completed') return { ...about, ...metrics, ...failed(parts, run, result) }
    const scores = await scoresOf(parts, task, { run, result, scoring })
    return { ...about, ...metrics, status: 'scored', quality: qualityOf(scores), scores }
  } catch (error) {
    if (signal?.aborted) throw error
    const stored = storeError(error)
    if (stored.errorId !== undefined)
      reportCallback(host.parts.platform, { callback: 'evaluation', name: run, userId: user }, error)
    return { ...about, ...metrics, status: 'unscored', scores: {}, error: stored }
  }
}

/** @throws the errors of the start of the run; ProcessingError `evaluation.unfinished` if a person has paused the run */
async function resultOf(parts: CaseParts, id: string, task: CaseTask): Promise<RunResult> {
  const { host, user, experiment, config, signal } = parts
  signal?.throwIfAborted()
  const tags = [`experiment:${experiment}`, `case:${task.case.id}`]
  const spec = { id, task: task.case.input, tags, ...task.team, ...(config ? { config } : {}) }
  const run = Run[construct](host, user, await host.start(user, spec))
  const result = await run.result(signal ? { signal } : {})
  if (result.status !== 'waiting' && result.status !== 'running') return result
  // Questions are not answered in an experiment; a paused or uncertain run is left to a person.
  if (result.reason !== 'question') throw unfinished(id, result)
  await run.cancel()
  return result
}

function failed({ scorers }: CaseParts, run: string, result: RunResult) {
  const none = Object.keys(scorers).map((name) => [name, { score: 0 }] as const)
  const error = storeError(result.error ?? unfinished(run, result))
  return { status: 'failed', quality: 0, scores: Object.fromEntries(none), error } as const
}

function unfinished(run: string, { status, reason, guard }: RunResult): Error {
  const why = guard ? `the guard ${guard.name} ended it at ${guard.used} of ${guard.limit}` : reason
  return failure('evaluation.unfinished', { run, status: why === undefined ? status : `${status}, ${why}` })
}

async function scoresOf(
  { host, user, scorers }: CaseParts,
  { case: one, side }: CaseTask,
  {
    run: id,
    result,
    scoring,
  }: {
    readonly run: string
    readonly result: RunResult
    readonly scoring: ReturnType<typeof createScoreContext>
  },
): Promise<Readonly<Record<string, Verdict>>> {
  const task: Json = one.input
  const isSourced = Object.values(scorers).some(needsSources)
  const sources = isSourced ? [task, ...(await sourcesOf(host, user, await host.row(user, id)))] : [task]
  const { response } = result
  const run = { id, side, task, response, result, original: undefined, expected: one.expected, case: one, sources }
  const scores: Record<string, Verdict> = {}
  for (const named of Object.entries(scorers)) scores[named[0]] = await scoreAnswer(named, run, scoring)
  return scores
}

function qualityOf(scores: Readonly<Record<string, Verdict>>): number {
  const all = Object.values(scores)
  return all.reduce((sum, { score }) => sum + score, 0) / all.length
}

const metricsOf = (result: RunResult | undefined) => ({
  steps: result?.totalSteps ?? 0,
  tokens: (result?.usage.inputTokens ?? 0) + (result?.usage.outputTokens ?? 0),
  cost: result?.cost.usd ?? 0,
  durationMs: result?.durationMs ?? 0,
})
