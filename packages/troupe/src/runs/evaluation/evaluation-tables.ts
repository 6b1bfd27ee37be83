/** What is kept of evaluations that have an id. */
import type { ContentNames } from '../../storage/index.ts'

export const evaluatedRunsTables: readonly string[] = [
  // The row without a run is the evaluation itself: what it asks, and which runs.
  `create table evaluated_runs (user_id text not null, evaluation text not null, run_id text not null, body text not null,
    at bigint not null, primary key (user_id, evaluation, run_id))`,
  'create index evaluated_runs_by_time on evaluated_runs (user_id, at)',
]
export const evaluatedRunContent: ContentNames = { body: ['evaluation', 'evaluation', 'run_id'] }
