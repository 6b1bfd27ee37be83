/** The statements of threads. */
import { sql } from 'kysely'
import { type Bind, type Dialect, templates } from '../../storage/index.ts'
import { questionContent, threadContent } from '../agents-migrations.ts'

/** The agent or team with which a thread is held. */
export interface ThreadPartner {
  readonly threadId: string
  readonly name: string
  readonly kind: 'agent' | 'team'
}

/** The place of a thread in the list. */
export interface ThreadPosition {
  readonly updatedAt: number
  readonly thread: string
}

type Thread = { user: string; thread: string }

/** Selects one thread, or the questions of it. */
const isThread = (p: Thread) => sql`user_id = ${p.user} and thread = ${p.thread}`

export const threadStatements = (dialect: Dialect) => ({
  ...reads(dialect),
  ...threadWrites(dialect),
  ...questionWrites(dialect),
})

function reads(dialect: Dialect) {
  const compile = templates(dialect, threadContent)
  return {
    state: compile<Thread>(
      (p) => sql`select steps, open, owner, title, processes.process_id as registered from session_threads
        left join processes on processes.process_id = session_threads.owner where ${isThread(p)}`,
    ),
    ofThread: compile<{ user: string; id: string }>(
      (p) => sql`select * from session_threads where user_id = ${p.user} and thread_id = ${p.id}
        and updated_at is not null order by updated_at desc, thread desc`,
    ),
    page: compile<{ user: string; limit: number } & ThreadPosition>(
      (p) => sql`select * from session_threads where user_id = ${p.user}
        and (updated_at, thread) < (${p.updatedAt}, ${p.thread})
        order by updated_at desc, thread desc limit ${p.limit}`,
    ),
    named: compile<Thread>((p) => sql`select * from session_threads where ${isThread(p)}`),
    asking: compile<{ user: string; after: string; limit: number }>(
      (p) => sql`select distinct thread from session_questions where user_id = ${p.user} and thread > ${p.after}
        order by thread limit ${p.limit}`,
      {},
    ),
    questions: compile<Thread>(
      (p) => sql`select id, step, wait, question from session_questions where ${isThread(p)} order by id`,
      questionContent,
    ),
  }
}

function threadWrites(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    create: compile<Thread & { id: string; name: string; kind: ThreadPartner['kind'] }>(
      (p) => sql`insert into session_threads (user_id, thread, thread_id, name, kind, steps)
        values (${p.user}, ${p.thread}, ${p.id}, ${p.name}, ${p.kind}, 0) on conflict do nothing`,
    ),
    begin: compile<
      Thread & {
        before: number
        steps: number
        open: string
        owner: string
        title: string | null
        turns: number
        now: Bind
      }
    >(
      (p) => sql`update session_threads set steps = ${p.steps}, open = ${p.open}, owner = ${p.owner},
        title = ${p.title}, turns = turns + ${p.turns}, updated_at = ${p.now}
        where ${isThread(p)} and steps = ${p.before} and open is null`,
      threadContent,
    ),
    hide: compile<Thread & { steps: number }>(
      (p) => sql`update session_threads set steps = steps + 1, title = null, turns = 0, updated_at = null
        where ${isThread(p)} and steps = ${p.steps} and open is null`,
    ),
    /** An id of a process is not used a second time, so an owner that is still the same has not come back. */
    claim: compile<Thread & { steps: number; before: string; owner: string }>(
      (p) => sql`update session_threads set owner = ${p.owner}
        where ${isThread(p)} and steps = ${p.steps} and open is not null and owner = ${p.before}`,
    ),
    isOpen: compile<Thread & { steps: number }>(
      (p) => sql`select thread from session_threads where ${isThread(p)} and steps = ${p.steps} and open is not null`,
    ),
    release: compile<Thread & { steps: number; owner: string }>(
      (p) => sql`update session_threads set owner = ''
        where ${isThread(p)} and steps = ${p.steps} and owner = ${p.owner}`,
    ),
    end: compile<Thread & { now: Bind }>(
      (p) => sql`update session_threads set open = null, updated_at = ${p.now} where ${isThread(p)}`,
    ),
    cancel: compile<Thread & { steps: number; now: Bind }>(
      (p) => sql`update session_threads set open = null, updated_at = ${p.now}
        where ${isThread(p)} and steps = ${p.steps} and open is not null`,
    ),
  }
}

function questionWrites(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    dropQuestions: compile<Thread>((p) => sql`delete from session_questions where ${isThread(p)}`),
    ask: compile<Thread & { id: string; step: string; wait: string; question: string }>(
      (p) => sql`insert into session_questions (user_id, thread, id, step, wait, question)
        values (${p.user}, ${p.thread}, ${p.id}, ${p.step}, ${p.wait}, ${p.question}) on conflict do nothing`,
      questionContent,
    ),
    answered: compile<Thread & { id: string }>(
      (p) => sql`delete from session_questions where ${isThread(p)} and id = ${p.id}`,
    ),
  }
}
