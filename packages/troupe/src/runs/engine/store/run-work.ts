/** The work row of an open run: the statements that create, claim, release and find it. */
import { prefixEnd } from '../../../core/index.ts'
import { type JournalTables, runPrefix } from '../../../journal/index.ts'
import { type Dialect, templates } from '../../../storage/index.ts'

type WorkTables = Pick<JournalTables, 'work' | 'processes'>

interface WorkKey {
  readonly user: string
  readonly journal: string
}

/** The statements for rows of work, which are executed with changes of the run's status. */
export function workRows(dialect: Dialect) {
  const own = templates<WorkTables>(dialect)
  const moveWork = (dueAt: number | null, unless: 'is' | 'is not') =>
    own<WorkKey>((db, p) =>
      db
        .updateTable('work')
        .set({ due_at: dueAt })
        .where('user_id', '=', p.user)
        .where('journal_id', '=', p.journal)
        .where('due_at', unless, null),
    )
  return {
    work: own<WorkKey & { shard: number; owner: string; form: number }>((db, p) =>
      db
        .insertInto('work')
        .values({
          shard: p.shard,
          user_id: p.user,
          journal_id: p.journal,
          owner: p.owner,
          due_at: 0,
          woken: 0,
          arrivals: 0,
          form: p.form,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    move: moveWork(0, 'is'),
    rest: moveWork(null, 'is not'),
    unwork: own<WorkKey>((db, p) =>
      db.deleteFrom('work').where('user_id', '=', p.user).where('journal_id', '=', p.journal),
    ),
  }
}

/** The process that owns the run. */
export function workOwners(dialect: Dialect) {
  const own = templates<WorkTables>(dialect)
  return {
    /** After the claim, the claiming process reads the messages that came before it. */
    claim: own<WorkKey & { processId: string; form: number }>((db, p) =>
      db
        .updateTable('work')
        .set({ owner: p.processId, form: p.form, woken: 0 })
        .where('user_id', '=', p.user)
        .where('journal_id', '=', p.journal)
        .where('form', '<=', p.form)
        .where((row) =>
          row.or([
            row('owner', '=', p.processId),
            row.not(
              row.exists(
                row.selectFrom('processes').select('process_id').whereRef('processes.process_id', '=', 'work.owner'),
              ),
            ),
          ]),
        ),
    ),
    /** Releases an idle run; if a message came at the last moment, the run is due at once. */
    release: own<WorkKey & { processId: string }>((db, p) =>
      db
        .updateTable('work')
        .set((row) => ({ owner: '', due_at: row.case().when('woken', '=', 1).then(0).else(null).end() }))
        .where('user_id', '=', p.user)
        .where('journal_id', '=', p.journal)
        .where('owner', '=', p.processId),
    ),
    /** Releases a run with possible work in progress: it is due at once. */
    abandon: own<WorkKey & { processId: string }>((db, p) =>
      db
        .updateTable('work')
        .set({ owner: '', due_at: 0 })
        .where('user_id', '=', p.user)
        .where('journal_id', '=', p.journal)
        .where('owner', '=', p.processId),
    ),
  }
}

/** Finds open runs of all users. A key is compared as a row, so that PostgreSQL starts at this key of the index. */
export function openWork(dialect: Dialect) {
  const own = templates<WorkTables>(dialect)
  return {
    holder: own<WorkKey>((db, p) =>
      db
        .selectFrom('work')
        .leftJoin('processes', 'processes.process_id', 'work.owner')
        .select(['work.owner', 'work.form', 'processes.process_id as registered'])
        .where('work.user_id', '=', p.user)
        .where('work.journal_id', '=', p.journal),
    ),
    open: own<WorkKey & { limit: number }>((db, p) =>
      db
        .selectFrom('work')
        .leftJoin('processes', 'processes.process_id', 'work.owner')
        .select(['work.user_id', 'work.journal_id', 'work.owner', 'work.form', 'processes.process_id as registered'])
        .where('work.journal_id', '>=', runPrefix)
        .where('work.journal_id', '<', prefixEnd(runPrefix))
        .where((row) => row(row.refTuple('work.user_id', 'work.journal_id'), '>', row.tuple(p.user, p.journal)))
        .orderBy('work.user_id')
        .orderBy('work.journal_id')
        .limit(p.limit),
    ),
    moving: own<WorkKey & { form: number; limit: number }>((db, p) =>
      db
        .selectFrom('work')
        .select(['user_id', 'journal_id'])
        .where((row) => row.or([row('due_at', 'is not', null), row('woken', '=', 1)]))
        .where('journal_id', '>=', runPrefix)
        .where('journal_id', '<', prefixEnd(runPrefix))
        .where('form', '<=', p.form)
        .where((row) => row(row.refTuple('user_id', 'journal_id'), '>', row.tuple(p.user, p.journal)))
        .orderBy('user_id')
        .orderBy('journal_id')
        .limit(p.limit),
    ),
  }
}
