/** Executes past runs again with a change, and compares the results. */
import {
  callReported,
  checkName,
  checkOptions,
  checkSignal,
  failure,
  hashJson,
  invalidInput,
  jsonSchemaOf,
  listOf,
  readable,
  show,
  type UserId,
} from '../../core/index.ts'
import { rejectUnknown } from '../engine/forks/edited-agents.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'
import type { TeamKind, TeamReference } from '../engine/starts/resolve-team.ts'
import { prepareRun } from '../engine/starts/start-run.ts'
import { checkFilter, type RunFilter, runFilters } from '../engine/store/run-filter.ts'
import type { ListedRun, RunRow } from '../engine/store/run-store.ts'
import {
  type EvaluatedRun,
  type EvaluationChange,
  type EvaluationParts,
  emptyReport,
  evaluateRun,
  type RunMetrics,
  type SpendingShare,
  type Spent,
} from './evaluate-run.ts'
import { EvaluationRecord } from './evaluation-record.ts'
import type { OpenEvaluationTroupe } from './evaluation-troupe.ts'
import { createScorer, type Score } from './score-answer.ts'
import type { NamedScores } from './scorers/score-function.ts'

/** The options of `orchestra.evaluate`. */
export interface EvaluateOptions {
  /**
   * Stores the results under this id. With the same id and options, also in another process, an interrupted evaluation
   * continues with the remaining runs. Execute it once at a time: two processes would execute the remaining runs both. Not
   * stored by default.
   */
  readonly id?: string
  /** The past runs: the ended ones that match a filter, as in `orchestra.list`, or ids. */
  readonly runs: RunFilter | readonly string[]
  /**
   * What changes: `model` and `prompts` of the LlmAgents; `team`, `agent` or `topology` replaces the team and its
   * configuration.
   */
  readonly change: Omit<EvaluationChange, 'topology'> & (TeamReference | { readonly [kind in TeamKind]?: undefined })
  /** The scorer. */
  readonly score: Score
  /**
   * True executes tools and effects in place of answering them from the record; false by default. An approval of the
   * past run is not repeated: a run that needs one fails with `evaluation.unfinished`.
   */
  readonly live?: boolean
  /**
   * With `live`: true repeats calls of class `at-most-once` that the past run made with the same arguments; false by
   * default, which fails such a run with `effect.repeated`.
   */
  readonly repeat?: boolean
  /** The number of runs that execute at a time, 1 to 32; 2 by default. */
  readonly concurrency?: number
  /** The highest number of runs, 1 to 10,000; 100 by default. */
  readonly limit?: number
  /** The budget of all runs together; no limit by default. The share of a run is reserved before it starts. */
  readonly budget?: {
    /** The highest number of input and output tokens. */
    readonly tokens?: number
    /** The highest cost in US dollars. */
    readonly cost?: number
  }
  /** Called after each run. An error that it throws is reported and ignored. */
  readonly onProgress?: (progress: EvaluationProgress) => void
  /** Cancels the evaluation; `evaluate` rejects with CancelledError. */
  readonly signal?: AbortSignal
}

/** The progress of an evaluation. */
export interface EvaluationProgress {
  /** The number of runs that are done. */
  readonly done: number
  /** The number of all runs. */
  readonly total: number
  /** The run that was done last. */
  readonly run: EvaluatedRun
}

/** The result of an evaluation. */
export interface Evaluation {
  /** The runs, in the order of the option `runs`. */
  readonly runs: readonly EvaluatedRun[]
  /** The total over the scored runs: `quality` is the mean, the other metrics are sums. */
  readonly total: {
    /** The number of scored runs. */
    readonly scored: number
    /** The number of failed runs. */
    readonly failed: number
    /** The number of skipped runs. */
    readonly skipped: number
    /** The number of runs whose candidate scored higher. */
    readonly better: number
    /** The number of runs whose candidate scored lower. */
    readonly worse: number
    /** The number of runs with equal scores. */
    readonly same: number
    /** The metrics of the past runs. */
    readonly original: RunMetrics
    /** The metrics of the new executions. */
    readonly candidate: RunMetrics
    /** The use of models of all runs, failed ones included. */
    readonly spent: Spent
  }
}

const known = [
  'id',
  'runs',
  'change',
  'score',
  'live',
  'repeat',
  'concurrency',
  'limit',
  'budget',
  'onProgress',
  'signal',
] as const
const page = 500
const wrong = (option: string, problem: string) => invalidInput(`evaluate.${option}`, problem)

/** @throws ConflictError `evaluation.running` if this process executes an evaluation with the id */
export async function evaluate(
  host: OrchestraHost,
  user: UserId,
  open: OpenEvaluationTroupe,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const checked = checkEvaluate(options, host.parts.settings.scores)
  if (options.live) host.requireNew(user, 'A live evaluation')
  const { id: evaluation } = options
  if (evaluation === undefined) return execute(host, user, open, { ...options, ...checked })
  const key = JSON.stringify([user, evaluation])
  if (host.evaluations.has(key)) throw failure('evaluation.running', { evaluation })
  host.evaluations.add(key)
  try {
    return await execute(host, user, open, { ...options, ...checked })
  } finally {
    host.evaluations.delete(key)
  }
}

async function execute(
  host: OrchestraHost,
  user: UserId,
  open: OpenEvaluationTroupe,
  options: EvaluateOptions & ReturnType<typeof checkEvaluate>,
): Promise<Evaluation> {
  const { concurrency, limit, budget, scorer: score, live = false, repeat = false, onProgress, signal } = options
  const change = changeOf(options.change, host)
  const record = options.id === undefined ? undefined : objectOf(host, user, options.id)
  const { rows, before } = await begun(host, user, options, { limit, change, record })
  const parts = { host, user, open, score, candidate: { change, live, repeat }, signal }
  const purse = new Purse(budget, [...before.values()])
  const done: EvaluatedRun[] = []
  const waiting = [...rows.entries()]
  let ended = 0
  const work = async () => {
    for (let next = waiting.shift(); next && !signal?.aborted; next = waiting.shift()) {
      const [index, row] = next
      const known = before.get(row.run)
      const share = known ? undefined : purse.reserve(Math.min(waiting.length + 1, concurrency - purse.out))
      const run = known ?? (share ? await evaluateWithin(parts, row, share, waiting.length + 1) : skipped(row.run))
      if (share) purse.release(share, run.spent)
      if (share) await record?.add(run)
      done[index] = run
      ended += 1
      const progress = { done: ended, total: rows.length, run }
      // An error of the observer does not affect the evaluation.
      const about = { callback: 'progress observer', name: row.run, userId: user } as const
      callReported(host.parts.platform, about, () => onProgress?.(progress))
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: concurrency }, work))
  checkSignal('orchestra.evaluate', signal)
  for (const one of outcomes) if (one.status === 'rejected') throw one.reason
  return { runs: done, total: totalOf(done) }
}

const objectOf = (host: OrchestraHost, user: UserId, id: string) =>
  new EvaluationRecord(host.parts.stores.storage, user, checkName('evaluation', id))

/** Returns the runs of the evaluation, and the reports that are stored. */
async function begun(
  host: OrchestraHost,
  user: UserId,
  { runs, score, live = false, repeat = false }: EvaluateOptions,
  {
    limit,
    change,
    record,
  }: { readonly limit: number; readonly change: EvaluationChange; readonly record: EvaluationRecord | undefined },
): Promise<{ readonly rows: readonly RunRow[]; readonly before: ReadonlyMap<string, EvaluatedRun> }> {
  if (!record) return { rows: await chosen(host, user, runs, limit), before: new Map() }
  const { model, prompts = {}, topology } = change
  const hash = hashJson([
    JSON.parse(JSON.stringify(runs ?? null)),
    limit,
    model === undefined ? null : fingerprintOf(model),
    prompts,
    topology?.canonical ?? null,
    typeof score === 'object' && 'schema' in score ? (jsonSchemaOf(score.schema) ?? 'schema') : fingerprintOf(score),
    live,
    ...(repeat ? ['repeat'] : []),
  ])
  const { runs: ids, done } = await record.begin(hash, async () =>
    (await chosen(host, user, runs, limit)).map(({ run }) => run),
  )
  return { rows: await chosen(host, user, ids, ids.length), before: done }
}

/** Returns a text that identifies a model or a score, as far as a text can. */
const fingerprintOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'modelId' in value
    ? `${show((value as { readonly provider?: unknown }).provider)}/${show(value.modelId)}`
    : typeof value === 'object'
      ? readable('evaluate.change.model', () => JSON.stringify(value))
      : show(value)

function checkEvaluate(options: EvaluateOptions, scores: NamedScores) {
  checkOptions('evaluate', options, known)
  checkSignal('orchestra.evaluate', options.signal)
  if (options.id !== undefined) checkName('evaluation', options.id)
  const { concurrency = 2, limit = 100, budget = {}, live = false, repeat = false, onProgress, change } = options
  const within = (option: string, value: number, max: number) => {
    if (!Number.isSafeInteger(value) || value < 1 || value > max)
      throw wrong(option, `it must be a whole number from 1 to ${max}`)
  }
  within('concurrency', concurrency, 32)
  within('limit', limit, 10_000)
  checkOptions('evaluate.budget', budget, ['tokens', 'cost'])
  for (const [name, value] of Object.entries(budget))
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      throw wrong(`budget.${name}`, 'it must be a number from 0')
  for (const [name, value] of Object.entries({ live, repeat }))
    if (typeof value !== 'boolean') throw wrong(name, 'it must be true or false')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw wrong('onProgress', 'it must be a function')
  checkOptions('evaluate.change', change, ['model', 'prompts', 'team', 'agent', 'topology'])
  return { concurrency, limit, budget, scorer: createScorer(options.score, scores) }
}

/** @throws ValidationError `topology.rejected`; NotFoundError `team.unknown` */
function changeOf(
  { team, agent, topology, ...rest }: EvaluateOptions['change'],
  { parts }: OrchestraHost,
): EvaluationChange {
  rejectUnknown(rest, parts.agents.services.external.models)
  if ([team, agent, topology].every((one) => one === undefined)) return rest
  const compiled = parts.agents.resolveTeam({ team, agent, topology } as TeamReference, 'evaluate.change')
  prepareRun({ task: null, topology: compiled }, parts.agents.checkContext, parts.settings.limits)
  return { ...rest, topology: compiled }
}

/** @throws NotFoundError `run.unknown`; ConflictError `run.open` for one that is named and not over */
async function chosen(
  host: OrchestraHost,
  user: UserId,
  runs: EvaluateOptions['runs'],
  limit: number,
): Promise<readonly RunRow[]> {
  if (Array.isArray(runs)) {
    const ids = [...new Set(listOf('evaluate.runs', runs as readonly string[]).map((id) => checkName('run', id)))]
    const rows = await Promise.all(ids.slice(0, limit).map((id) => host.row(user, id)))
    const open = rows.find(({ endedAt }) => endedAt === null)
    if (open) throw failure('run.open', { run: open.run, status: open.status })
    return rows
  }
  checkOptions('evaluate.runs', runs as RunFilter, runFilters)
  const filter = checkFilter(runs as RunFilter)
  const rows: RunRow[] = []
  for (let after: ListedRun | undefined; ; ) {
    const more = await host.parts.stores.store.list(user, filter, page, after)
    rows.push(...more.filter(({ endedAt }) => endedAt !== null))
    after = more.at(-1)
    if (rows.length >= limit || more.length < page) return rows.slice(0, limit)
  }
}

/** The rest of the budget, divided among the concurrent runs, so that their sum never exceeds it. */
class Purse {
  /** The number of runs that hold a share. */
  out = 0
  readonly #remaining: { tokens?: number; cost?: number }

  /** @param before the runs that are done */
  constructor(budget: { readonly tokens?: number; readonly cost?: number }, before: readonly EvaluatedRun[]) {
    this.#remaining = { ...budget }
    for (const { spent } of before) this.#add(spent, -1)
  }

  /** @returns undefined if nothing is left */
  reserve(among: number): Partial<Spent> | undefined {
    const { tokens, cost } = this.#remaining
    const share = {
      ...(tokens === undefined ? {} : { tokens: Math.floor(tokens / among) }),
      ...(cost === undefined ? {} : { cost: cost / among }),
    }
    if (Object.values(share).some((part) => part <= 0)) return undefined
    this.#add(share, -1)
    this.out++
    return share
  }

  release(share: Partial<Spent>, spent: Spent): void {
    this.out--
    this.#add(share, 1)
    this.#add(spent, -1)
  }

  #add({ tokens = 0, cost = 0 }: Partial<Spent>, times: 1 | -1): void {
    if (this.#remaining.tokens !== undefined) this.#remaining.tokens += times * tokens
    if (this.#remaining.cost !== undefined) this.#remaining.cost += times * cost
  }
}

/** Evaluates a run within the daily limits of the user. */
async function evaluateWithin(
  parts: EvaluationParts,
  row: RunRow,
  share: SpendingShare,
  among: number,
): Promise<EvaluatedRun> {
  const { dailyUsage } = parts.host.parts.settings
  if (!dailyUsage) return evaluateRun(parts, row, share)
  const held = await dailyUsage.reserve(parts.user, share, among)
  if (!held) return skipped(row.run)
  const known = emptyReport()
  try {
    return await evaluateRun(parts, row, { ...share, ...held.share }, known)
  } finally {
    await held.release(known.spent)
  }
}

const nothing: Spent = { tokens: 0, cost: 0 }
const skipped = (run: string): EvaluatedRun => ({
  run,
  status: 'skipped',
  unrecorded: [],
  missingKeys: [],
  spent: nothing,
})

function totalOf(runs: readonly EvaluatedRun[]): Evaluation['total'] {
  const pairs = runs.flatMap(({ original, candidate }) => (original && candidate ? [{ original, candidate }] : []))
  const count = (status: EvaluatedRun['status']) => runs.filter((run) => run.status === status).length
  const differ = (sign: number) =>
    pairs.filter(({ original, candidate }) => Math.sign(candidate.quality - original.quality) === sign).length
  return {
    scored: count('scored'),
    failed: count('failed'),
    skipped: count('skipped'),
    better: differ(1),
    worse: differ(-1),
    same: differ(0),
    original: sumOf(pairs.map(({ original }) => original)),
    candidate: sumOf(pairs.map(({ candidate }) => candidate)),
    spent: {
      tokens: runs.reduce((sum, { spent }) => sum + spent.tokens, 0),
      cost: runs.reduce((sum, { spent }) => sum + spent.cost, 0),
    },
  }
}

function sumOf(metrics: readonly RunMetrics[]): RunMetrics {
  const sum = (name: keyof RunMetrics) => metrics.reduce((all, one) => all + one[name], 0)
  return {
    quality: metrics.length === 0 ? 0 : sum('quality') / metrics.length,
    steps: sum('steps'),
    tokens: sum('tokens'),
    cost: sum('cost'),
    durationMs: sum('durationMs'),
  }
}
