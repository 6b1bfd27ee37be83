/** The tables of evaluations with an id, of experiments and of scores. */
import type { ContentNames } from '../../storage/index.ts'

/** An evaluation compares past runs with others; an experiment evaluates a data set; `online` holds scores of live runs. */
export type EvaluationKind = 'evaluation' | 'experiment' | 'online'

export const evaluatedRunsTables: readonly string[] = [
  // The row without a run is the evaluation or experiment itself, with its options and its runs.
  `create table evaluated_runs (user_id text not null, kind text not null, evaluation text not null, run_id text not null,
    body text not null, at bigint not null, primary key (user_id, kind, evaluation, run_id))`,
  'create index evaluated_runs_by_time on evaluated_runs (user_id, kind, at)',
  `create index experiments_by_time on evaluated_runs (user_id, at, evaluation) where kind = 'experiment' and run_id = ''`,
]
/**
 * The scores of live runs without their reasons, for sums over time; `evaluated_runs` has the verdicts. A row goes with its
 * run.
 */
export const onlineScoresTable: readonly string[] = [
  `create table online_scores (user_id text not null, run_id text not null, scorer text not null, team text,
    score double precision not null, at bigint not null, primary key (user_id, run_id, scorer))`,
  'create index online_scores_by_time on online_scores (user_id, at)',
]

/** @param run the parameter of the statement with the id of the run */
export const evaluatedRunContent = (run: string): ContentNames => ({ body: ['evaluation', 'kind', 'evaluation', run] })
