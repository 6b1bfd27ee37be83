/**
 * By what runs are found: their tags, agents, parents, teams and words in one index, each in the order of time. All but the
 * words are kept by triggers; words stand there as their marks, see `run-words.ts`.
 */
import { postgresTables } from '../../storage/index.ts'

const tables = [
  `create table run_labels (
    user_id text not null, kind text not null, value text not null, created_at bigint not null, run_id text not null,
    primary key (user_id, kind, value, created_at, run_id))`,
  'create index runs_by_status on runs (user_id, status, created_at, run_id)',
  'alter table runs add column cost double precision not null default 0',
]

const add = (row: string, kind: string, list: string) =>
  `insert into run_labels (user_id, kind, value, created_at, run_id)
    select ${row}.user_id, '${kind}', ${list} on conflict do nothing`

const sqliteAdd = (row: string, from: string) => [
  add(row, 'tag', `each.value, ${row}.created_at, ${row}.run_id from ${from}json_each(${row}.tags) each where true`),
  add(
    row,
    'agent',
    `each.value, ${row}.created_at, ${row}.run_id from ${from}json_each(${row}.agents) each where true`,
  ),
  add(
    row,
    'parent',
    `json_extract(${row}.parent, '$.run'), ${row}.created_at, ${row}.run_id
    from ${from}(select 1) one where ${row}.parent is not null`,
  ),
]
const postgresAdd = (row: string, from: string) => [
  add(
    row,
    'tag',
    `each.value, ${row}.created_at, ${row}.run_id from ${from}json_array_elements_text(${row}.tags::json) each(value)`,
  ),
  add(
    row,
    'agent',
    `each.value, ${row}.created_at, ${row}.run_id from ${from}json_array_elements_text(${row}.agents::json) each(value)`,
  ),
  add(
    row,
    'parent',
    `${row}.parent::json ->> 'run', ${row}.created_at, ${row}.run_id
    from ${from}(select 1) one where ${row}.parent is not null`,
  ),
]

export const runLabels = {
  sqlite: [
    ...tables,
    ...sqliteAdd('r', 'runs r, '),
    `create trigger runs_labelled after insert on runs begin
  ${sqliteAdd('new', '').join(';\n  ')};
end`,
  ],
  postgres: [
    ...postgresTables(tables),
    ...postgresAdd('r', 'runs r, '),
    `create function runs_labelled() returns trigger language plpgsql set search_path from current as $$ begin
  ${postgresAdd('new', '').join(';\n  ')};
  return null;
end $$`,
    'create trigger runs_labelled after insert on runs for each row execute function runs_labelled()',
  ],
}

const team = (row: string) =>
  add(row, 'team', `${row}.team, ${row}.created_at, ${row}.run_id where ${row}.team is not null`)

/** A team is known of runs that began since. */
export const teamLabels = {
  sqlite: [
    'alter table runs add column team text',
    `create trigger runs_labelled_by_team after insert on runs when new.team is not null begin
  ${team('new')};
end`,
  ],
  postgres: [
    ...postgresTables(['alter table runs add column team text']),
    `create function runs_labelled_by_team() returns trigger language plpgsql set search_path from current as $$ begin
  ${team('new')};
  return null;
end $$`,
    `create trigger runs_labelled_by_team after insert on runs for each row when (new.team is not null)
    execute function runs_labelled_by_team()`,
  ],
}
