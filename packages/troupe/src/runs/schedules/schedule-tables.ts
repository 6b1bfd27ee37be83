/** The tables of schedules: the schedules, the triggers that have not started a run, and the times of the next checks. */
import { type ContentNames, postgresTables, type UserTable, workTable } from '../../storage/index.ts'

export const scheduleTablesSqlite = [
  `create table schedules (
    user_id text not null, schedule_id text not null, state text not null, source text not null, spec text not null,
    created_at bigint not null, turn bigint not null, coming text not null, position bigint, last_run text,
    last_at bigint, problem text, api_key text, primary key (user_id, schedule_id))`,
  `create table schedule_triggers (
    user_id text not null, schedule_id text not null, trigger text not null, seq bigint not null,
    at bigint not null, body text not null,
    attempts bigint not null, primary key (user_id, schedule_id, trigger))`,
  'create index schedule_triggers_order on schedule_triggers (user_id, schedule_id, seq, at, trigger)',
  // Without content, for queries over all users. `source` is null for schedules by time and for paused ones.
  `create table schedule_work (user_id text not null, schedule_id text not null, source text, due bigint,
    primary key (user_id, schedule_id))`,
  'create index schedule_work_due on schedule_work (due) where due is not null',
  'create index schedule_work_source on schedule_work (source, user_id) where source is not null',
]

export const scheduleTablesPostgres = [...postgresTables(scheduleTablesSqlite), workTable('schedule_work')]

/** @param schedule the parameter of the statement with the id of the schedule */
export const scheduleContent = (schedule: string) =>
  ({ spec: ['schedule.spec', schedule], problem: ['schedule.problem', schedule] }) satisfies ContentNames
/** @param schedule the parameter of the statement with the id of the schedule; `trigger` names that of the trigger */
export const triggerContent = (schedule: string, trigger: string): ContentNames => ({
  body: ['schedule.trigger', schedule, trigger],
})

export const scheduleUserTables: readonly Omit<UserTable, 'module'>[] = [
  { name: 'schedules', key: ['schedule_id'], content: scheduleContent('schedule_id') },
  {
    name: 'schedule_triggers',
    key: ['schedule_id', 'trigger'],
    content: triggerContent('schedule_id', 'trigger'),
  },
  { name: 'schedule_work', key: ['schedule_id'] },
]
