/**
 * Evaluates a data set: executes each case as a durable run of one team, or of two, and scores the answers. Each result is
 * stored at once, so that a second call executes and pays for nothing twice.
 */
import { callReported, checkSignal, failure, type UserId } from '../../../core/index.ts'
import type { OrchestraHost } from '../../engine/orchestra-host.ts'
import { type CaseParts, type CaseTask, evaluateCase, runOfCase } from './evaluate-case.ts'
import type { CaseResult, Experiment, ExperimentSide } from './experiment.ts'
import { BudgetedCases, skippedResult } from './experiment-budget.ts'
import { type EvaluatedTeam, type ExperimentSpec, type ReadExperiment, readExperiment } from './experiment-options.ts'
import { ExperimentStore, type StoredExperiment } from './experiment-store.ts'
import { experimentTotals } from './experiment-totals.ts'

/** The number of the newest experiments among which an interrupted one is searched. */
const maxRecent = 50

/** @throws as `Experiments.evaluate` */
export async function evaluateDataset(host: OrchestraHost, user: UserId, spec: ExperimentSpec): Promise<Experiment> {
  const asked = readExperiment(host, spec)
  const store = new ExperimentStore(host.parts.stores.storage, user)
  const { experiment, results } = await beginExperiment(host, store, spec, asked)
  const tasks = tasksOf(asked)
  const { signal } = spec
  const { scorers } = asked
  const parts: CaseParts = { host, user, experiment: experiment.id, config: spec.config, scorers, signal }
  const cases = new StoredCases(parts, store, { asked, results })
  const all: CaseResult[] = []
  const waiting = [...tasks.entries()]
  const work = async () => {
    for (let next = waiting.shift(); next && !signal?.aborted; next = waiting.shift()) {
      const [index, task] = next
      const result = await cases.resultOf(task)
      all[index] = result
      report(host, user, spec, { done: Object.keys(all).length, total: tasks.length, result })
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: asked.concurrency }, work))
  checkSignal('experiments.evaluate', signal)
  for (const one of outcomes) if (one.status === 'rejected') throw one.reason
  const isChanged = experiment.status === 'running' || cases.hasChanges
  return finishExperiment(host, store, { experiment, results: all, asked, isChanged })
}

/** The stored experiment of this id, or the one that this call resumes, or a new one. */
async function beginExperiment(
  { parts }: OrchestraHost,
  store: ExperimentStore,
  spec: ExperimentSpec,
  asked: ReadExperiment,
): Promise<{ readonly experiment: StoredExperiment; readonly results: readonly CaseResult[] }> {
  const { dataset, scorers } = spec
  const id = spec.id ?? (await interruptedId(store, asked.hash)) ?? parts.platform.ids.next()
  const find = async () => {
    const found = await store.get(id)
    if (found && found.experiment.hash !== asked.hash) throw failure('experiment.repeated', { experiment: id })
    return found
  }
  const found = await find()
  if (found) return found
  const experiment: StoredExperiment = {
    id,
    hash: asked.hash,
    dataset: { name: dataset.name, version: dataset.version, cases: asked.cases.length },
    candidate: teamOf(asked.candidate),
    ...(asked.against ? { against: teamOf(asked.against) } : {}),
    scorers: Object.keys(scorers),
    ...budgetOf(asked),
    status: 'running',
    startedAt: new Date(parts.platform.clock.now()).toISOString(),
  }
  await store.insert(experiment)
  // Another process may have created an experiment with this id and other options.
  return (await find()) ?? { experiment, results: [] }
}

const budgetOf = ({ budget }: ReadExperiment) => (Object.keys(budget).length === 0 ? {} : { budget })

const teamOf = ({ name, fingerprint }: EvaluatedTeam) => ({ name, fingerprint })

async function interruptedId(store: ExperimentStore, hash: string): Promise<string | undefined> {
  const recent = await store.list(maxRecent)
  return recent.find(({ experiment }) => experiment.status === 'running' && experiment.hash === hash)?.id
}

/** Orders both sides of a case together, so that an interrupted experiment has complete cases. */
function tasksOf({ cases, candidate, against }: ReadExperiment): readonly CaseTask[] {
  const sides: readonly (readonly [ExperimentSide, EvaluatedTeam])[] = [
    ['candidate', candidate],
    ...(against ? [['against', against] as const] : []),
  ]
  return cases.flatMap((one) => sides.map(([side, { reference }]) => ({ case: one, side, team: reference })))
}

function report(
  { parts }: OrchestraHost,
  user: UserId,
  { onProgress }: ExperimentSpec,
  progress: Parameters<NonNullable<ExperimentSpec['onProgress']>>[0],
): void {
  // An error of the observer does not affect the experiment.
  const about = { callback: 'progress observer', name: progress.result.run, userId: user } as const
  callReported(parts.platform, about, () => onProgress?.(progress))
}

async function finishExperiment(
  { parts }: OrchestraHost,
  store: ExperimentStore,
  {
    experiment,
    results,
    asked,
    isChanged,
  }: {
    readonly experiment: StoredExperiment
    readonly results: readonly CaseResult[]
    readonly asked: ReadExperiment
    readonly isChanged: boolean
  },
): Promise<Experiment> {
  const { cases, against } = asked
  const total = experimentTotals(results, { scorers: experiment.scorers, cases, hasAgainst: against !== undefined })
  const isComplete = results.every(({ status }) => status !== 'unscored')
  if (isChanged && isComplete) {
    const endedAt = new Date(parts.platform.clock.now()).toISOString()
    const { budget: _, ...rest } = experiment
    const completed: StoredExperiment = { ...rest, ...budgetOf(asked), status: 'completed', endedAt, total }
    await store.update(completed)
    return shown(completed, { total, results })
  }
  return shown(experiment, { total: isChanged ? total : (experiment.total ?? total), results })
}

function shown({ hash: _, ...experiment }: StoredExperiment, more: Pick<Experiment, 'total' | 'results'>): Experiment {
  return { ...experiment, ...more }
}

/** The cases of one experiment: returns a stored result, or executes the case if the budget allows it, and stores the result. */
class StoredCases {
  readonly #parts: CaseParts
  readonly #store: ExperimentStore
  readonly #stored: ReadonlyMap<string, CaseResult>
  readonly #budget: BudgetedCases
  /** True once a case was executed. */
  hasChanges = false

  constructor(
    parts: CaseParts,
    store: ExperimentStore,
    { asked, results }: { readonly asked: ReadExperiment; readonly results: readonly CaseResult[] },
  ) {
    this.#parts = parts
    this.#store = store
    this.#stored = new Map(results.map((result) => [result.run, result]))
    const sides: readonly ExperimentSide[] = asked.against ? ['candidate', 'against'] : ['candidate']
    this.#budget = new BudgetedCases(asked.budget, parts.config, (id) =>
      sides.filter((side) => !isDone(this.#stored.get(runOfCase(parts.experiment, side, id)))),
    )
    for (const result of results) this.#budget.charge(result)
  }

  /** Rejects only if the signal aborts. */
  async resultOf(task: CaseTask): Promise<CaseResult> {
    const { case: one, side } = task
    const { experiment } = this.#parts
    const run = runOfCase(experiment, side, one.id)
    const known = this.#stored.get(run)
    if (known && isDone(known)) return known
    const misfit = await this.#budget.reserve(one.id)
    const result = misfit ? skippedResult({ case: one.id, side, run }, misfit) : await this.#execute(task)
    if (known) await this.#store.replaceResult(experiment, result)
    else if (result.status !== 'unscored') await this.#store.addResult(experiment, result)
    return result
  }

  async #execute(task: CaseTask): Promise<CaseResult> {
    let result: CaseResult | undefined
    try {
      this.#parts.signal?.throwIfAborted()
      result = await evaluateCase(this.#parts, task)
      this.hasChanges = true
      return result
    } finally {
      this.#budget.finish(task.case.id, task.side, result)
    }
  }
}

const isDone = (result: CaseResult | undefined): boolean => result !== undefined && result.status !== 'skipped'
