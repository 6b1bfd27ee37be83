/** The stored form of an experiment: teams evaluated on the cases of a data set. */
import type { StoredError } from '../../../core/index.ts'
import type { RunMetrics, Spent } from '../evaluate-run.ts'
import type { Agreement } from '../scorers/agreement.ts'
import type { Verdict } from '../scorers/score-function.ts'

/** `candidate` is the team of the experiment, `against` the second team. */
export type ExperimentSide = 'candidate' | 'against'

/** One case, executed by one side. */
export type CaseResult = Omit<RunMetrics, 'quality'> & {
  /** The id of the case. */
  readonly case: string
  /** The side that executed it. */
  readonly side: ExperimentSide
  /** The id of the run that executed it, with the tags `experiment:ID` and `case:ID`. */
  readonly run: string
  /**
   * `failed`: the run did not complete; its score is 0. `unscored`: the run did not start, or a scorer failed. An
   * unscored result is not stored, and the next call repeats what is missing. `skipped`: the case did not fit into the
   * budget of the experiment, and no run started.
   */
  readonly status: 'scored' | 'failed' | 'unscored' | 'skipped'
  /** The mean of its scores; absent if it is unscored or skipped. */
  readonly quality?: number
  /** The verdicts, by the name of the scorer. */
  readonly scores: Readonly<Record<string, Verdict>>
  /** The use of models by the scorers. */
  readonly scoring: Spent
  /** The error for which it failed, is unscored or was skipped; absent if it is scored. */
  readonly error?: StoredError
}

/** The sums and means of one side. */
export type SideTotal = {
  /** The mean over the scored and failed cases; 0 without any. */
  readonly quality: number
  /** The mean of each scorer over the same cases. */
  readonly scores: Readonly<Record<string, number>>
  /** The number of scored cases. */
  readonly scored: number
  /** The number of failed cases. */
  readonly failed: number
  /** The number of unscored cases. */
  readonly unscored: number
  /** The number of cases that did not fit into the budget. */
  readonly skipped: number
  /** The sum of the steps. */
  readonly steps: number
  /** The sum of the tokens. */
  readonly tokens: number
  /** The sum of the costs in US dollars. */
  readonly cost: number
  /** The sum of the times in ms. */
  readonly durationMs: number
  /**
   * The agreement with the labels of people, for each scorer that has labels: its choice, or else its score, is
   * compared with the label.
   */
  readonly agreement?: Readonly<Record<string, Agreement>>
}

/** Candidate minus against, over the cases for which both have a quality. */
export type ExperimentDifference = Pick<
  SideTotal,
  'quality' | 'scores' | 'steps' | 'tokens' | 'cost' | 'durationMs'
> & {
  /** The number of cases in which the candidate scored higher. */
  readonly better: number
  /** The number of cases in which the candidate scored lower. */
  readonly worse: number
  /** The number of cases with equal scores. */
  readonly same: number
}

/** The totals of an experiment. */
export type ExperimentTotal = {
  /** The total of the candidate. */
  readonly candidate: SideTotal
  /** The total of the second team; absent without one. */
  readonly against?: SideTotal
  /** The difference of both; absent without a second team. */
  readonly difference?: ExperimentDifference
  /** The use of models by the scorers, on both sides. */
  readonly scoring: Spent
}

/** The team of one side. */
export type ExperimentTeam = {
  /** The registered name of the team, or the names of its agents. */
  readonly name: string
  /** The hash of its topology, agents and configuration: another hash means another version of the team. */
  readonly fingerprint: string
}

/** The budget that all cases of an experiment share. */
export type ExperimentLimits = {
  /** Input and output tokens; absent if they are unlimited. */
  readonly tokens?: number
  /** US dollars; absent if they are unlimited. */
  readonly cost?: number
  /** The sum of the durations of the runs in milliseconds; absent if it is unlimited. */
  readonly time?: number
}

/** An experiment in a list. */
export type ExperimentSummary = {
  /** The id. */
  readonly id: string
  /** The data set. */
  readonly dataset: {
    /** The name of the data set. */
    readonly name: string
    /** The version of all its cases. */
    readonly version: string
    /** The number of cases that were selected. */
    readonly cases: number
  }
  /** The team. */
  readonly candidate: ExperimentTeam
  /** The second team; absent without one. */
  readonly against?: ExperimentTeam
  /** The names of the scorers. */
  readonly scorers: readonly string[]
  /** The budget of the last call that executed a case; absent without one. */
  readonly budget?: ExperimentLimits
  /** `running` until each case has a result, also if it was interrupted. A skipped case counts as a result. */
  readonly status: 'running' | 'completed'
  /** The time of the start, as ISO 8601 text. */
  readonly startedAt: string
  /** The time of the end, as ISO 8601 text; absent before the end. */
  readonly endedAt?: string
  /** The totals; absent before the end. */
  readonly total?: ExperimentTotal
}

/** An experiment with its results. */
export type Experiment = Omit<ExperimentSummary, 'total'> & {
  /** The totals of the results so far. */
  readonly total: ExperimentTotal
  /** The results in the order of the cases, the candidate first. */
  readonly results: readonly CaseResult[]
}
