/** The queries of the child runs that have not ended: of a user, or of one run, which reads no row of another run. */
import { type Dialect, templates } from '../../../storage/index.ts'
import { type RunTables, runContent } from './run-migrations.ts'

/** The columns of the row of a run. */
export const runColumns = [
  'run_id',
  'status',
  'reason',
  'tags',
  'agents',
  'title',
  'team',
  'thread',
  'parent',
  'created_at',
  'ended_at',
  'result',
  'outside',
] as const

export function openChildren(dialect: Dialect) {
  const own = templates<RunTables>(dialect)
  return {
    children: own<{ user: string }>(
      (db, p) =>
        db
          .selectFrom('runs')
          .select(runColumns)
          .where('user_id', '=', p.user)
          .where('status', 'in', ['running', 'waiting'])
          .where('parent', 'is not', null)
          .orderBy('run_id'),
      runContent('run_id'),
    ),
    childrenOf: own<{ user: string; of: string }>(
      (db, p) =>
        db
          .selectFrom('runs')
          .select(runColumns)
          .where('user_id', '=', p.user)
          .where('status', 'in', ['running', 'waiting'])
          .where('run_id', 'in', (labels) =>
            labels
              .selectFrom('run_labels')
              .select('run_id')
              .where('user_id', '=', p.user)
              .where('kind', '=', 'parent')
              .where('value', '=', p.of),
          )
          .orderBy('run_id'),
      runContent('run_id'),
    ),
  }
}
