/** The tables of runs: the rows of lists, open runs, commands and budgets. */
import { type ContentNames, type Migration, postgresTables, type UserTable, workTable } from '../../../storage/index.ts'
import { evaluatedRunContent, evaluatedRunsTables, onlineScoresTable } from '../../evaluation/evaluation-tables.ts'
import { scheduleTablesPostgres, scheduleTablesSqlite, scheduleUserTables } from '../../schedules/schedule-tables.ts'
import { sharedBudgetTables } from '../budgets/compile-shared-budget.ts'
import { dailyUsageTable } from '../budgets/daily-usage.ts'
import { endedRunsTables, endedStatusColumn } from './ended-runs.ts'
import { runLabels } from './run-labels.ts'
import { earlierUsage, runUsageTable } from './usage/run-usage.ts'

const tables = [
  // `tags`, `agents` (whose code the run needs), `parent` (`{ step, wait }` of the step that awaits the run) and `result` are
  // JSON. A run has a result when it has ended, waits, or only waits for steps outside. `cost` (US dollars) and `tokens` are
  // those of its last change of status.
  // `outside` counts the steps that wait for an event from outside while nothing else in the run moves. `unpriced` is 1 if the
  // run used a model whose price is unknown.
  `create table runs (
    user_id text not null, run_id text not null, status text not null, reason text, tags text not null,
    agents text not null, title text not null default '', team text, thread text, parent text, created_at bigint not null, updated_at bigint not null, ended_at bigint,
    result text, outside integer not null default 0, cost double precision not null default 0,
    tokens bigint not null default 0, unpriced integer not null default 0, primary key (user_id, run_id))`,
  'create index runs_by_time on runs (user_id, created_at, run_id)',
  'create index runs_by_status on runs (user_id, status, created_at, run_id)',
  'create index runs_by_cost on runs (user_id, cost, run_id)',
  'create index runs_by_tokens on runs (user_id, tokens, run_id)',
  'create index runs_by_duration on runs (user_id, (coalesce(ended_at - created_at, 0)), run_id)',
  // `outcome` is null until the run has read the command from its inbox, then `{}` or `{ error }`.
  `create table run_commands (
    user_id text not null, run_id text not null, command_id text not null, body text not null, outcome text,
    at bigint not null, primary key (user_id, run_id, command_id))`,
  'create index run_commands_by_time on run_commands (user_id, at)',
  `create table budgets (
    user_id text not null, run_id text not null, tokens bigint not null, token_limit bigint,
    cost double precision not null, cost_limit double precision, primary key (user_id, run_id))`,
  ...sharedBudgetTables,
  dailyUsageTable,
  ...endedRunsTables,
  ...evaluatedRunsTables,
]
/** `outline` belongs to `result` while `outline_at` is `updated_at`: an earlier release changes the result without it. */
const outlineColumns = (text: string) => [
  `alter table runs add column outline ${text}`,
  'alter table runs add column outline_at bigint',
]

export const runMigrations: readonly Migration[] = [
  {
    module: 'runs',
    version: 1,
    name: 'runs, their labels, commands and budgets, evaluations, schedules',
    lowestReader: 1,
    up: {
      sqlite: [...tables, ...runLabels.sqlite, ...scheduleTablesSqlite],
      postgres: [...postgresTables(tables), workTable('runs_ended'), ...runLabels.postgres, ...scheduleTablesPostgres],
    },
  },
  {
    module: 'runs',
    version: 2,
    name: 'usage of runs by model',
    lowestReader: 1,
    up: {
      sqlite: [...runUsageTable, earlierUsage],
      postgres: [...postgresTables(runUsageTable), workTable('run_usage'), earlierUsage],
    },
  },
  {
    module: 'runs',
    version: 3,
    name: 'scores of live runs over time',
    lowestReader: 1,
    up: { sqlite: onlineScoresTable, postgres: postgresTables(onlineScoresTable) },
  },
  {
    module: 'runs',
    version: 4,
    name: 'status of ended runs',
    lowestReader: 1,
    up: endedStatusColumn,
  },
  {
    module: 'runs',
    version: 5,
    name: 'outlines of long results',
    lowestReader: 1,
    up: { sqlite: outlineColumns('text'), postgres: outlineColumns('text collate "C"') },
  },
]

/** @param run the parameter of the statement with the id of the run */
export const resultContent = (run: string): ContentNames => ({
  result: ['run.result', run, 'status'],
  outline: ['run.outline', run, 'status'],
})
/** @param run the parameter of the statement with the id of the run */
export const titleContent = (run: string): ContentNames => ({ title: ['run.title', run] })
/** @param run the parameter of the statement with the id of the run */
export const runContent = (run: string): ContentNames => ({ ...resultContent(run), ...titleContent(run) })

/** @param run the parameter of the statement with the id of the run; `id` names that of the command */
export const commandContent = (run: string, id: string): ContentNames => ({
  body: ['run.command', run, id],
  outcome: ['run.command.outcome', run, id],
})

export const runTables: readonly UserTable[] = [
  { name: 'runs', key: ['run_id'], content: runContent('run_id') },
  { name: 'runs_ended', key: ['run_id'] },
  { name: 'run_usage', key: ['run_id'] },
  { name: 'budgets', key: ['run_id'] },
  { name: 'budget_pools', key: ['run_id'] },
  { name: 'budget_shares', key: ['run_id'] },
  { name: 'daily_usage', key: ['day'] },
  { name: 'run_commands', key: ['run_id', 'command_id'], content: commandContent('run_id', 'command_id') },
  { name: 'run_labels', key: ['kind', 'value', 'created_at', 'run_id'] },
  { name: 'evaluated_runs', key: ['kind', 'evaluation', 'run_id'], content: evaluatedRunContent('run_id') },
  { name: 'online_scores', key: ['run_id', 'scorer'] },
  ...scheduleUserTables,
].map((table) => ({ module: 'runs', ...table }))
