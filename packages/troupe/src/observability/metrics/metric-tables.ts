/** The tables of application metrics: one row for each minute of each series. */
import { type Migration, postgresTables, type UserTable } from '../../storage/index.ts'

const sqlite = [
  // `labels` is JSON with sorted keys, `minute` the time of its beginning, in ms since 1970.
  `create table metric_minutes (
    user_id text not null, name text not null, labels text not null, minute integer not null,
    count integer not null, failures integer not null,
    sum double precision not null, min double precision not null, max double precision not null,
    latest double precision not null,
    primary key (user_id, name, labels, minute))`,
  'create index metric_minutes_order on metric_minutes (user_id, minute)',
]

export const metricMigration: Migration = {
  module: 'observability',
  version: 2,
  name: 'metrics of users',
  lowestReader: 0,
  up: { sqlite, postgres: postgresTables(sqlite) },
}

export const metricTable: UserTable = {
  module: 'observability',
  name: 'metric_minutes',
  key: ['name', 'labels', 'minute'],
}
