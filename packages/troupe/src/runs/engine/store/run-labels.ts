/**
 * The index of tags, agents, parents, teams, threads and words of runs, each in the order of time. Triggers maintain all but the words,
 * which are stored as marks, see `run-words.ts`.
 */
import { postgresTables } from '../../../storage/index.ts'

const tables = [
  `create table run_labels (
    user_id text not null, kind text not null, value text not null, created_at bigint not null, run_id text not null,
    primary key (user_id, kind, value, created_at, run_id))`,
  'create index run_labels_by_run on run_labels (user_id, run_id)',
]

const add = (kind: string, list: string) =>
  `insert into run_labels (user_id, kind, value, created_at, run_id)
    select new.user_id, '${kind}', ${list} on conflict do nothing`

const sqliteLabels = [
  add('tag', 'each.value, new.created_at, new.run_id from json_each(new.tags) each where true'),
  add('agent', 'each.value, new.created_at, new.run_id from json_each(new.agents) each where true'),
  add(
    'parent',
    `json_extract(new.parent, '$.run'), new.created_at, new.run_id
    from (select 1) one where new.parent is not null`,
  ),
]
const postgresLabels = [
  add('tag', 'each.value, new.created_at, new.run_id from json_array_elements_text(new.tags::json) each(value)'),
  add('agent', 'each.value, new.created_at, new.run_id from json_array_elements_text(new.agents::json) each(value)'),
  add(
    'parent',
    `new.parent::json ->> 'run', new.created_at, new.run_id
    from (select 1) one where new.parent is not null`,
  ),
]
const teamLabel = add('team', 'new.team, new.created_at, new.run_id where new.team is not null')
const threadLabel = add('thread', 'new.thread, new.created_at, new.run_id where new.thread is not null')

export const runLabels = {
  sqlite: [
    ...tables,
    `create trigger runs_labelled after insert on runs begin
  ${sqliteLabels.join(';\n  ')};
end`,
    `create trigger runs_labelled_by_team after insert on runs when new.team is not null begin
  ${teamLabel};
end`,
    `create trigger runs_labelled_by_thread after insert on runs when new.thread is not null begin
  ${threadLabel};
end`,
  ],
  postgres: [
    ...postgresTables(tables),
    `create function runs_labelled() returns trigger language plpgsql set search_path from current as $$ begin
  ${postgresLabels.join(';\n  ')};
  return null;
end $$`,
    'create trigger runs_labelled after insert on runs for each row execute function runs_labelled()',
    `create function runs_labelled_by_team() returns trigger language plpgsql set search_path from current as $$ begin
  ${teamLabel};
  return null;
end $$`,
    `create trigger runs_labelled_by_team after insert on runs for each row when (new.team is not null)
    execute function runs_labelled_by_team()`,
    `create function runs_labelled_by_thread() returns trigger language plpgsql set search_path from current as $$ begin
  ${threadLabel};
  return null;
end $$`,
    `create trigger runs_labelled_by_thread after insert on runs for each row when (new.thread is not null)
    execute function runs_labelled_by_thread()`,
  ],
}
