/** The tables of runs: what a list shows, which are not over yet, their budgets. */
import { type Migration, postgresTables, workTable } from '../../storage/index.ts'

const tables = [
  `create table runs (
    user_id text not null, run_id text not null, status text not null, reason text, tags text not null,
    agents text not null, parent text, created_at bigint not null, updated_at bigint not null, ended_at bigint,
    result text, primary key (user_id, run_id))`,
  'create index runs_by_time on runs (user_id, created_at, run_id)',
  // Content-free: which runs of anybody are not over, so that who opens the storage finds what it may go on with.
  `create table run_work (user_id text not null, run_id text not null, moving integer not null,
    primary key (user_id, run_id))`,
  'create index run_work_moving on run_work (moving, user_id, run_id)',
  `create table budgets (
    user_id text not null, run_id text not null, tokens bigint not null, token_limit bigint,
    cost double precision not null, cost_limit double precision, primary key (user_id, run_id))`,
]

/** Only where several processes share a database somebody else may carry a run on. */
const leases = [
  `create table run_leases (user_id text not null, run_id text not null, owner text not null, lease_until bigint not null,
    primary key (user_id, run_id))`,
  'create index run_leases_owner on run_leases (owner)',
]

const postgres = [...postgresTables([...tables, ...leases]), workTable('run_work'), workTable('run_leases')]

export const orchestrationMigrations: readonly Migration[] = [
  { room: 'orchestration', version: 1, name: 'runs', lowestReader: 1, up: { sqlite: tables, postgres } },
]

export interface OrchestrationTables {
  readonly runs: {
    readonly user_id: string
    readonly run_id: string
    readonly status: string
    readonly reason: string | null
    /** JSON list of texts. */
    readonly tags: string
    /** JSON list of the names of agents whose code the run needs. */
    readonly agents: string
    /** JSON `{ step, wait }` of the step that awaits this run. */
    readonly parent: string | null
    readonly created_at: number
    readonly updated_at: number
    readonly ended_at: number | null
    /** JSON of the result, once it is over or waits. */
    readonly result: string | null
  }
  readonly run_work: { readonly user_id: string; readonly run_id: string; readonly moving: number }
  readonly budgets: {
    readonly user_id: string
    readonly run_id: string
    readonly tokens: number
    readonly token_limit: number | null
    readonly cost: number
    readonly cost_limit: number | null
  }
}
