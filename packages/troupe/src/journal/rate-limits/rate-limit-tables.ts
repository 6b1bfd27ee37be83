/** The tables of shared rate limits: work tables without content, whose keys are hashes. */
import { postgresTables, workTable } from '../../storage/index.ts'

const sqlite = [
  // A row per key, which serialises the callers of the key.
  'create table rate_limits (key text not null, last_used_at integer not null, primary key (key)) without rowid',
  'create index rate_limits_last_used on rate_limits (last_used_at)',
  // Calls by slices of the window.
  `create table rate_limit_slots (key text not null, slot integer not null, calls integer not null,
    primary key (key, slot)) without rowid`,
  // Calls in progress, each with the process that makes it.
  `create table rate_limit_calls (key text not null, id text not null, holder text not null,
    primary key (key, id)) without rowid`,
]

export const rateLimitSchema = {
  sqlite,
  postgres: [
    ...postgresTables(sqlite),
    workTable('rate_limits'),
    workTable('rate_limit_slots'),
    workTable('rate_limit_calls'),
  ],
}
