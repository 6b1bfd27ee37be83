/** The work row of an open run: the statements that create, claim, release and find it. */
import { sql } from 'kysely'
import { prefixEnd } from '../../../core/index.ts'
import { runPrefix } from '../../../journal/index.ts'
import { type Bind, type Dialect, templates } from '../../../storage/index.ts'

interface WorkKey {
  readonly user: string
  readonly journal: string
}

const isWork = (p: WorkKey) => sql`user_id = ${p.user} and journal_id = ${p.journal}`

/** The statements for rows of work, which are executed with changes of the run's status. */
export function workRows(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    work: compile<WorkKey & { shard: number; owner: string; form: number }>(
      (p) => sql`insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
        values (${p.shard}, ${p.user}, ${p.journal}, ${p.owner}, 0, 0, 0, ${p.form}) on conflict do nothing`,
    ),
    move: compile<WorkKey>((p) => sql`update work set due_at = 0 where ${isWork(p)} and due_at is null`),
    rest: compile<WorkKey>((p) => sql`update work set due_at = null where ${isWork(p)} and due_at is not null`),
    unwork: compile<WorkKey>((p) => sql`delete from work where ${isWork(p)}`),
  }
}

/** The process that owns the run. */
export function workOwners(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    /** After the claim, the claiming process reads the messages that came before it. */
    claim: compile<WorkKey & { processId: string; form: number }>(
      (p) => sql`update work set owner = ${p.processId}, form = ${p.form}, woken = 0
        where ${isWork(p)} and form <= ${p.form} and (owner = ${p.processId}
          or not exists (select 1 from processes where processes.process_id = work.owner))`,
    ),
    /** Releases an idle run; if a message came at the last moment, the run is due at once. */
    release: compile<WorkKey & { processId: string }>(
      (p) => sql`update work set owner = '', due_at = case when woken = 1 then 0 else null end
        where ${isWork(p)} and owner = ${p.processId}`,
    ),
    /** Releases a run with possible work in progress: it is due at once. */
    abandon: compile<WorkKey & { processId: string }>(
      (p) => sql`update work set owner = '', due_at = 0 where ${isWork(p)} and owner = ${p.processId}`,
    ),
  }
}

/** Finds open runs of all users. A key is compared as a row, so that PostgreSQL starts at this key of the index. */
export function openWork(dialect: Dialect) {
  const compile = templates(dialect)
  const runsAfter = (p: WorkKey) => sql`journal_id >= ${runPrefix} and journal_id < ${prefixEnd(runPrefix)}
    and (user_id, journal_id) > (${p.user}, ${p.journal})`
  const order = sql`order by user_id, journal_id`
  const owned = sql`from work left join processes on processes.process_id = work.owner`
  return {
    holder: compile<WorkKey>((p) => sql`select owner, form, process_id as registered ${owned} where ${isWork(p)}`),
    otherProcess: compile<{ processId: string; now: Bind }>(
      (p) =>
        sql`select 1 as found from processes where process_id <> ${p.processId} and lease_until > ${p.now} limit 1`,
    ),
    open: compile<WorkKey & { limit: number }>(
      (p) => sql`select user_id, journal_id, owner, form, process_id as registered ${owned}
        where ${runsAfter(p)} ${order} limit ${p.limit}`,
    ),
    anyOpen: compile<{ user: string; from: string; to: string }>(
      (p) => sql`select 1 as found from work
        where user_id = ${p.user} and journal_id >= ${p.from} and journal_id < ${p.to} limit 1`,
    ),
    moving: compile<WorkKey & { form: number; limit: number }>(
      (p) => sql`select user_id, journal_id from work
        where (due_at is not null or woken = 1) and form <= ${p.form} and ${runsAfter(p)} ${order} limit ${p.limit}`,
    ),
  }
}
