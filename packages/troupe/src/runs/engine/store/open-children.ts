/** The queries of the child runs that have not ended: of a user, or of one run, which reads no row of another run. */
import { sql } from 'kysely'
import { type Dialect, templates } from '../../../storage/index.ts'
import { runContent } from './run-migrations.ts'

/** The columns of the row of a run. */
export const runColumns = sql.raw(
  'run_id, status, reason, tags, agents, title, team, thread, parent, created_at, ended_at, result, outside',
)

export function openChildren(dialect: Dialect) {
  const compile = templates(dialect, runContent('run_id'))
  const openOf = (p: { user: string }) => sql`select ${runColumns} from runs
    where user_id = ${p.user} and status in ('running', 'waiting')`
  return {
    children: compile<{ user: string }>((p) => sql`${openOf(p)} and parent is not null order by run_id`),
    childrenOf: compile<{ user: string; of: string }>(
      (p) => sql`${openOf(p)} and run_id in (select run_id from run_labels
        where user_id = ${p.user} and kind = 'parent' and value = ${p.of}) order by run_id`,
    ),
  }
}
