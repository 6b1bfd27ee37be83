/** The statements on the table of evaluated runs, for all its kinds. */
import { sql } from 'kysely'
import { type Bind, type Storage, templates } from '../../storage/index.ts'
import { evaluatedRunContent } from './evaluation-tables.ts'

type EvaluationKey = { user: string; kind: string; evaluation: string }
type EvaluatedRunRow = EvaluationKey & { run: string; body: string }

export function evaluatedRunStatements({ dialect }: Pick<Storage, 'dialect'>) {
  const compiled = templates(dialect)
  return {
    all: compiled<EvaluationKey>(
      (p) => sql`select kind, evaluation, run_id, body from evaluated_runs
        where user_id = ${p.user} and kind = ${p.kind} and evaluation = ${p.evaluation}`,
      evaluatedRunContent('run_id'),
    ),
    /** Finds a run. A change that expects it writes nothing if the user was erased meanwhile. */
    run: compiled<{ user: string; run: string }>(
      (p) => sql`select 1 as found from runs where user_id = ${p.user} and run_id = ${p.run}`,
    ),
    /** Finds the row of an experiment or an evaluation, as `run` does. */
    header: compiled<EvaluationKey>(
      (p) => sql`select 1 as found from evaluated_runs
        where user_id = ${p.user} and kind = ${p.kind} and evaluation = ${p.evaluation} and run_id = ''`,
    ),
    list: compiled<{ user: string; at: number; id: string; limit: number }>(
      (p) => sql`select kind, evaluation, run_id, body, at from evaluated_runs
        where user_id = ${p.user} and kind = 'experiment' and run_id = ''
          and (at < ${p.at} or (at = ${p.at} and evaluation < ${p.id}))
        order by at desc, evaluation desc limit ${p.limit}`,
      evaluatedRunContent('run_id'),
    ),
    insert: compiled<EvaluatedRunRow & { at: Bind }>(
      (p) => sql`insert into evaluated_runs (user_id, kind, evaluation, run_id, body, at)
        values (${p.user}, ${p.kind}, ${p.evaluation}, ${p.run}, ${p.body}, ${p.at}) on conflict do nothing`,
      evaluatedRunContent('run'),
    ),
    update: compiled<EvaluatedRunRow>(
      (p) => sql`update evaluated_runs set body = ${p.body} where user_id = ${p.user} and kind = ${p.kind}
        and evaluation = ${p.evaluation} and run_id = ${p.run}`,
      evaluatedRunContent('run'),
    ),
    cleanup: compiled<{ user: string; kind: string; before: Bind }>(
      (p) => sql`delete from evaluated_runs where user_id = ${p.user} and kind = ${p.kind} and at < ${p.before}`,
    ),
  }
}
