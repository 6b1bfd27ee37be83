/** The statements of threads. */
import { sql } from 'kysely'
import type { JournalTables } from '../../journal/index.ts'
import { type Bind, type Dialect, rawTemplates, template } from '../../storage/index.ts'
import { type AgentsTables, questionContent, threadContent } from '../agents-migrations.ts'

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
export const threadStatements = (dialect: Dialect) => ({
  ...reads(dialect),
  ...threadWrites(dialect),
  ...threadOwners(dialect),
  ...threadEnds(dialect),
  ...questionWrites(dialect),
})

function reads(dialect: Dialect) {
  return {
    state: template<AgentsTables & Pick<JournalTables, 'processes'>, Thread>(
      dialect,
      (db, p) =>
        db
          .selectFrom('session_threads')
          .leftJoin('processes', 'processes.process_id', 'session_threads.owner')
          .select(['steps', 'open', 'owner', 'title', 'processes.process_id as registered'])
          .where('user_id', '=', p.user)
          .where('thread', '=', p.thread),
      threadContent,
    ),
    ofThread: rawTemplates(
      dialect,
      threadContent,
    )<{ user: string; id: string }>(
      (p) => sql`select * from session_threads where user_id = ${p.user} and thread_id = ${p.id}
        and updated_at is not null order by updated_at desc, thread desc`,
    ),
    page: rawTemplates(
      dialect,
      threadContent,
    )<{ user: string; limit: number } & ThreadPosition>(
      (p) => sql`select * from session_threads where user_id = ${p.user}
        and (updated_at, thread) < (${p.updatedAt}, ${p.thread})
        order by updated_at desc, thread desc limit ${p.limit}`,
    ),
    named: rawTemplates(
      dialect,
      threadContent,
    )<Thread>((p) => sql`select * from session_threads where user_id = ${p.user} and thread = ${p.thread}`),
    asking: rawTemplates(dialect)<{ user: string; after: string; limit: number }>(
      (p) => sql`select distinct thread from session_questions where user_id = ${p.user} and thread > ${p.after}
        order by thread limit ${p.limit}`,
    ),
    questions: template<AgentsTables, Thread>(
      dialect,
      (db, p) =>
        db
          .selectFrom('session_questions')
          .select(['id', 'step', 'wait', 'question'])
          .where('user_id', '=', p.user)
          .where('thread', '=', p.thread)
          .orderBy('id'),
      questionContent,
    ),
  }
}

function threadWrites(dialect: Dialect) {
  return {
    create: template<AgentsTables, Thread & { id: string; name: string; kind: ThreadPartner['kind'] }>(
      dialect,
      (db, p) =>
        db
          .insertInto('session_threads')
          .values({
            user_id: p.user,
            thread: p.thread,
            thread_id: p.id,
            name: p.name,
            kind: p.kind,
            steps: 0,
            open: null,
            owner: '',
            title: null,
            turns: 0,
            updated_at: null,
          })
          .onConflict((conflict) => conflict.doNothing()),
    ),
    begin: template<
      AgentsTables,
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
      dialect,
      (db, p) =>
        db
          .updateTable('session_threads')
          .set((row) => ({
            steps: p.steps,
            open: p.open,
            owner: p.owner,
            title: p.title,
            turns: row('turns', '+', p.turns),
            updated_at: p.now as number,
          }))
          .where('user_id', '=', p.user)
          .where('thread', '=', p.thread)
          .where('steps', '=', p.before)
          .where('open', 'is', null),
      threadContent,
    ),
    hide: template<AgentsTables, Thread & { steps: number }>(dialect, (db, p) =>
      db
        .updateTable('session_threads')
        .set((row) => ({ steps: row('steps', '+', 1), title: null, turns: 0, updated_at: null }))
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread)
        .where('steps', '=', p.steps)
        .where('open', 'is', null),
    ),
  }
}

function threadOwners(dialect: Dialect) {
  return {
    /** An id of a process is not used a second time, so an owner that is still the same has not come back. */
    claim: template<AgentsTables, Thread & { steps: number; before: string; owner: string }>(dialect, (db, p) =>
      db
        .updateTable('session_threads')
        .set({ owner: p.owner })
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread)
        .where('steps', '=', p.steps)
        .where('open', 'is not', null)
        .where('owner', '=', p.before),
    ),
    release: template<AgentsTables, Thread & { steps: number; owner: string }>(dialect, (db, p) =>
      db
        .updateTable('session_threads')
        .set({ owner: '' })
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread)
        .where('steps', '=', p.steps)
        .where('owner', '=', p.owner),
    ),
  }
}

function threadEnds(dialect: Dialect) {
  return {
    end: template<AgentsTables, Thread & { now: Bind }>(dialect, (db, p) =>
      db
        .updateTable('session_threads')
        .set({ open: null, updated_at: p.now as number })
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread),
    ),
    cancel: template<AgentsTables, Thread & { steps: number; now: Bind }>(dialect, (db, p) =>
      db
        .updateTable('session_threads')
        .set({ open: null, updated_at: p.now as number })
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread)
        .where('steps', '=', p.steps)
        .where('open', 'is not', null),
    ),
  }
}

function questionWrites(dialect: Dialect) {
  return {
    dropQuestions: template<AgentsTables, Thread>(dialect, (db, p) =>
      db.deleteFrom('session_questions').where('user_id', '=', p.user).where('thread', '=', p.thread),
    ),
    ask: template<AgentsTables, Thread & { id: string; step: string; wait: string; question: string }>(
      dialect,
      (db, p) =>
        db
          .insertInto('session_questions')
          .values({ user_id: p.user, thread: p.thread, id: p.id, step: p.step, wait: p.wait, question: p.question })
          .onConflict((conflict) => conflict.doNothing()),
      questionContent,
    ),
    answered: template<AgentsTables, Thread & { id: string }>(dialect, (db, p) =>
      db
        .deleteFrom('session_questions')
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread)
        .where('id', '=', p.id),
    ),
  }
}
