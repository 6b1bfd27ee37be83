/** The options of an experiment: the data set, one or two teams, and the scorers. */
import {
  asJson,
  checkFunction,
  checkName,
  checkOptions,
  checkSignal,
  hashJson,
  hashText,
  invalidInput,
  isPlainObject,
  readable,
  show,
  truncateText,
} from '../../../core/index.ts'
import { checkInteger } from '../../../resilience/index.ts'
import type { RunConfig } from '../../../topology/index.ts'
import type { OrchestraHost } from '../../engine/orchestra-host.ts'
import type { TeamReference } from '../../engine/starts/resolve-team.ts'
import { prepareRun } from '../../engine/starts/start-run.ts'
import type { Dataset, DatasetCase } from '../datasets/dataset.ts'
import { createScorer, type Score } from '../score-answer.ts'
import type { NamedScores, ScoreFunction } from '../scorers/score-function.ts'
import type { CaseResult, ExperimentLimits, ExperimentTeam } from './experiment.ts'
import { type ExperimentBudget, readExperimentBudget } from './experiment-budget.ts'

/** The options of `experiments.evaluate` besides the team. */
export interface ExperimentOptions {
  /**
   * The name of the experiment. An interrupted experiment with this id continues, and a completed one returns its
   * results. Without an id, the newest interrupted experiment with the same options continues, else a new id is
   * generated.
   */
  readonly id?: string
  /** The data set. */
  readonly dataset: Dataset
  /** A second team, which is compared on the same cases; none by default. */
  readonly against?: TeamReference
  /** The scorers by their names, 1 to 20. The quality of a case is the mean of their scores. */
  readonly scorers: Readonly<Record<string, Score>>
  /** Only cases that have all of these tags; all cases by default. */
  readonly tags?: readonly string[]
  /** The highest number of cases, from the first; all by default. */
  readonly limit?: number
  /** The configuration of each run on both sides, such as a budget and timeouts; that of the team by default. */
  readonly config?: RunConfig
  /** The budget that all cases share. Cases that no longer fit are skipped; unlimited by default. */
  readonly budget?: ExperimentBudget
  /** The number of runs that execute at a time, 1 to 32; 2 by default. */
  readonly concurrency?: number
  /** Called with each result. An error that it throws is ignored. */
  readonly onProgress?: (progress: ExperimentProgress) => void
  /**
   * Ends the call with CancelledError: no further run starts. Runs in progress continue, and the next call waits for
   * them.
   */
  readonly signal?: AbortSignal
}

/** The team is exactly one of `team`, `agent` and `topology`. */
export type ExperimentSpec = ExperimentOptions & TeamReference

/** The progress of an experiment. */
export interface ExperimentProgress {
  /** The number of results so far. */
  readonly done: number
  /** The number of all results, of both sides. */
  readonly total: number
  /** The last result. */
  readonly result: CaseResult
}

/** The checked options. */
export interface ReadExperiment {
  readonly cases: readonly DatasetCase[]
  readonly scorers: NamedScores
  readonly concurrency: number
  readonly budget: ExperimentLimits
  readonly candidate: EvaluatedTeam
  readonly against: EvaluatedTeam | undefined
  /** The hash of everything that decides the results, which identifies an equal experiment. */
  readonly hash: string
}

export interface EvaluatedTeam extends ExperimentTeam {
  readonly reference: TeamReference
}

const known = [
  ...['id', 'dataset', 'team', 'agent', 'topology', 'against', 'scorers', 'tags', 'limit', 'config'],
  ...['budget', 'concurrency', 'onProgress', 'signal'],
] as const
/** The highest number of bytes of an id, which is part of the ids of its runs and of a tag. */
const longestId = 128
const maxScorers = 20

const wrong = (option: string, problem: string) => invalidInput(`experiments.evaluate.${option}`, problem)

/**
 * @throws ValidationError for an invalid option, `topology.rejected`, and if a scorer needs an expected answer that a
 * case does not have; NotFoundError `team.unknown`
 */
export function readExperiment(host: OrchestraHost, spec: ExperimentSpec): ReadExperiment {
  checkOptions('experiments.evaluate', spec, known)
  const { id, dataset, against, tags = [], limit, config, concurrency = 2, onProgress, signal } = spec
  checkSignal('experiments.evaluate', signal)
  if (id !== undefined && Buffer.byteLength(checkName('evaluation', id)) > longestId)
    throw wrong('id', `it has more than ${longestId} bytes`)
  if (onProgress !== undefined) checkFunction('experiments.evaluate.onProgress', onProgress)
  checkInteger('experiments.evaluate', 'concurrency', concurrency)
  if (concurrency > 32) throw wrong('concurrency', 'it must be a whole number from 1 to 32')
  const budget = readExperimentBudget(spec.budget)
  if (!isDataset(dataset))
    throw wrong('dataset', 'it must be a data set with a unique id for each case, as parseDataset returns it')
  const scorers = readScorers(spec.scorers, host.parts.settings.scores)
  const cases = chosenCases(dataset, tags, limit)
  checkExpected(cases, scorers)
  const { team, agent, topology } = spec
  const candidate = readTeam(host, { team, agent, topology } as TeamReference, config)
  const other = against === undefined ? undefined : readTeam(host, against, config)
  const hash = hashJson([
    dataset.version,
    cases.map((one) => one.id),
    candidate.fingerprint,
    other?.fingerprint ?? null,
    Object.entries(scorers).map(([name, scorer]) => [name, fingerprintOf(scorer)]),
  ])
  return { cases, scorers, concurrency, budget, candidate, against: other, hash }
}

const isDataset = (value: unknown): boolean => {
  const { name, version, cases } = (isPlainObject(value) ? value : {}) as Partial<Dataset>
  if (typeof name !== 'string' || typeof version !== 'string' || !Array.isArray(cases)) return false
  return cases.every(isCase) && new Set(cases.map(({ id }) => id)).size === cases.length
}
const isCase = (value: unknown): boolean => {
  const { id, input, tags } = (isPlainObject(value) ? value : {}) as Partial<DatasetCase>
  return typeof id === 'string' && input !== undefined && Array.isArray(tags)
}

function readScorers(scorers: ExperimentSpec['scorers'], named: NamedScores): NamedScores {
  if (!isPlainObject(scorers)) throw wrong('scorers', `it must be an object of scorers by name, got ${show(scorers)}`)
  const count = Object.keys(scorers).length
  if (count < 1 || count > maxScorers)
    throw wrong('scorers', `it must have 1 to ${maxScorers} scorers, and has ${count}`)
  return Object.fromEntries(Object.entries(scorers).map(([name, score]) => [name, createScorer(score, named)]))
}

function chosenCases(dataset: Dataset, tags: readonly string[], limit: number | undefined): readonly DatasetCase[] {
  if (!Array.isArray(tags)) throw wrong('tags', 'it is not a list')
  if (limit !== undefined) checkInteger('experiments.evaluate', 'limit', limit)
  const cases = dataset.cases.filter((one) => tags.every((tag) => one.tags.includes(tag))).slice(0, limit)
  if (cases.length === 0) throw wrong('tags', `no case of ${dataset.name} has ${tags.join(', ')}`)
  return cases
}

/** Checks the expected answers before any run starts. */
function checkExpected(cases: readonly DatasetCase[], scorers: NamedScores): void {
  const needing = Object.entries(scorers).find(([, { needs }]: [string, ScoreFunction]) => needs?.includes('expected'))
  const without = cases.find(({ expected }) => expected === undefined)
  if (needing && without)
    throw wrong('scorers', `${needing[0]} compares with an expected answer, and the case ${without.id} has none`)
}

function readTeam({ parts }: OrchestraHost, reference: TeamReference, config: RunConfig | undefined): EvaluatedTeam {
  const topology = parts.agents.resolveTeam(reference, 'experiments.evaluate')
  const spec = prepareRun(
    { task: null, topology, ...(config ? { config } : {}) },
    parts.agents.checkContext,
    parts.settings.limits,
  )
  const { team, agent } = reference
  const registered = team ?? (typeof agent === 'string' ? agent : undefined) ?? parts.agents.teamOf(topology.canonical)
  const name = registered ?? [...topology.agents.keys()].join(', ')
  return { reference, name: truncateText(name, 256), fingerprint: hashJson(asJson(spec.pinned)) }
}

const fingerprintOf = (scorer: ScoreFunction): string =>
  scorer.fingerprint ?? hashText(readable('A scorer', () => String(scorer)))
