/** What an experiment is, and what is stored of it: teams evaluated on the cases of a data set. */
import type { StoredError } from '../../../core/index.ts'
import type { Spent } from '../evaluate-run.ts'
import type { Agreement } from '../scorers/agreement.ts'
import type { Verdict } from '../scorers/score-function.ts'

export type ExperimentSide = 'candidate' | 'against'

/** One case, executed by one side. */
export type CaseResult = {
  readonly case: string
  readonly side: ExperimentSide
  /** Of the run that executed it; its tags are `experiment:ID` and `case:ID`. */
  readonly run: string
  /**
   * `failed`: the run did not complete, and scores 0. `unscored`: it did not start, or a scorer failed; it is not stored, and
   * the next call does what is left of it.
   */
  readonly status: 'scored' | 'failed' | 'unscored'
  /** The mean of its scores; absent where it is unscored. */
  readonly quality?: number
  readonly scores: Readonly<Record<string, Verdict>>
  readonly steps: number
  /** In and out, of the run. */
  readonly tokens: number
  /** US dollars of the run, without models whose price is not known. */
  readonly cost: number
  readonly durationMs: number
  /** What its scorers have spent. */
  readonly scoring: Spent
  readonly error?: StoredError
}

/** The sums and means of one side. */
export type SideTotal = {
  /** The mean over cases that are scored or failed; 0 where there is none. */
  readonly quality: number
  /** The mean of each scorer, over the same cases. */
  readonly scores: Readonly<Record<string, number>>
  readonly scored: number
  readonly failed: number
  readonly unscored: number
  readonly steps: number
  readonly tokens: number
  readonly cost: number
  readonly durationMs: number
  /** Of scorers for which cases have labels of people: whether the choice of the scorer, or its score, is the label. */
  readonly agreement?: Readonly<Record<string, Agreement>>
}

/** Candidate minus against, over the cases for which both have a quality. */
export type ExperimentDifference = Pick<
  SideTotal,
  'quality' | 'scores' | 'steps' | 'tokens' | 'cost' | 'durationMs'
> & {
  /** Cases in which the candidate scored higher, lower, and alike. */
  readonly better: number
  readonly worse: number
  readonly same: number
}

export type ExperimentTotal = {
  readonly candidate: SideTotal
  readonly against?: SideTotal
  readonly difference?: ExperimentDifference
  /** What scorers have spent, on both sides. */
  readonly scoring: Spent
}

/** The team of one side. */
export type ExperimentTeam = {
  readonly name: string
  /** Of its topology, agents and configuration: another one is another version of the team. */
  readonly fingerprint: string
}

export type ExperimentSummary = {
  readonly id: string
  /** `version` is that of all its cases; `cases` are those that were chosen of them. */
  readonly dataset: { readonly name: string; readonly version: string; readonly cases: number }
  readonly candidate: ExperimentTeam
  readonly against?: ExperimentTeam
  readonly scorers: readonly string[]
  /** `running` until each case has a result: also where it was interrupted. */
  readonly status: 'running' | 'completed'
  /** ISO text. */
  readonly startedAt: string
  readonly endedAt?: string
  /** Once it is completed. */
  readonly total?: ExperimentTotal
}

export type Experiment = Omit<ExperimentSummary, 'total'> & {
  /** Of the results so far. */
  readonly total: ExperimentTotal
  /** In the order of the cases, the candidate first. */
  readonly results: readonly CaseResult[]
}
