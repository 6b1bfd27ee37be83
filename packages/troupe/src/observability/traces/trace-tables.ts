/**
 * The tables of traces. A row has many spans in their order of arrival; `trace_index` lists the traces of all users without content.
 */
import { type ContentNames, type Migration, postgresTables, type UserTable, workTable } from '../../storage/index.ts'

export const spansContent: ContentNames = { spans: ['trace.spans', 'trace_id', 'id'] }

const sqlite = [
  `create table trace_spans (
    user_id text not null, trace_id text not null, id text not null, spans text not null,
    primary key (user_id, trace_id, id))`,
  `create table trace_index (
    user_id text not null, trace_id text not null, at integer not null, started_at integer not null,
    primary key (user_id, trace_id)) without rowid`,
  'create index trace_index_order on trace_index (at)',
  'create index trace_index_started on trace_index (user_id, started_at)',
]

export const observabilityMigrations: readonly Migration[] = [
  {
    module: 'observability',
    version: 1,
    name: 'traces',
    lowestReader: 0,
    up: { sqlite, postgres: [...postgresTables(sqlite), workTable('trace_index')] },
  },
]

export const observabilityTables: readonly UserTable[] = [
  { module: 'observability', name: 'trace_spans', key: ['trace_id', 'id'], content: spansContent },
  { module: 'observability', name: 'trace_index', key: ['trace_id'] },
]
