/** The open step of a thread and the questions that it waits for, stored per user. */
import { decodeJson, failure, type Json, type TaintLabel, type UserId } from '../../core/index.ts'
import { type Dialect, type Fragment, type Storage, template } from '../../storage/index.ts'
import type { Question } from '../agent-port.ts'
import { type AgentsTables, openContent, questionContent } from '../agents-migrations.ts'

/** A step of the thread that has not ended. */
export type OpenStep = {
  readonly step: string
  readonly kind: 'generate' | 'tool'
  /** The tool's name. */
  readonly tool?: string
  readonly input: Json
  /** The taint labels of the input. */
  readonly taint?: readonly TaintLabel[]
}

/** A question that an agent of a session has asked. */
export type SessionQuestion = Question & {
  /** The id for `Session.answer`. */
  readonly id: string
  /** The name of the agent that asked: the agent of the session, or a helper of it. */
  readonly agent: string
}
export interface StoredQuestion {
  readonly question: SessionQuestion
  readonly step: string
  readonly wait: string
}

export interface ThreadState {
  readonly steps: number
  readonly open: OpenStep | undefined
  readonly questions: readonly StoredQuestion[]
}

export interface ThreadStore {
  read(user: UserId, thread: string): Promise<ThreadState>
  /** @throws ConflictError `thread.conflict` when another process began a step of this thread */
  begin(user: UserId, thread: string, steps: number, open: OpenStep): Promise<void>
  /** The statement for the change that ends the step. */
  ended(user: UserId, thread: string): Fragment
  ask(user: UserId, thread: string, stored: StoredQuestion): Fragment
  /** Deletes the question. Part of the change that stores the answer, so that only one answer is accepted. */
  answered(user: UserId, thread: string, id: string): Fragment
}

export function createThreadStore(storage: Pick<Storage, 'dialect' | 'read' | 'commit'>): ThreadStore {
  const queries = compile(storage.dialect)
  return {
    async read(user, thread) {
      const [rows, questions] = await storage.read({ user }, [
        queries.state({ user, thread }, { returns: true }),
        queries.questions({ user, thread }, { returns: true }),
      ])
      const row = rows?.[0]
      return {
        steps: Number(row?.steps ?? 0),
        open: typeof row?.open === 'string' ? (decodeJson(row.open) as OpenStep) : undefined,
        questions: (questions ?? []).map((found) => ({
          question: decodeJson(String(found.question)) as SessionQuestion,
          step: String(found.step),
          wait: String(found.wait),
        })),
      }
    },
    async begin(user, thread, steps, open) {
      const result = await storage.commit({
        id: null,
        scope: { user },
        statements: [
          queries.create({ user, thread }),
          queries.begin(
            { user, thread, before: steps - 1, steps, open: JSON.stringify(open) },
            { expect: { rows: 1 }, otherwise: 'thread.conflict', detail: { thread: thread } },
          ),
        ],
      })
      if (!result.ok) throw failure(result.code, result.detail ?? {})
    },
    ended: (user, thread) => ({ statements: [queries.end({ user, thread }), queries.forget({ user, thread })] }),
    ask: (user, thread, { question, step, wait }) => ({
      statements: [queries.ask({ user, thread, id: question.id, step, wait, question: JSON.stringify(question) })],
    }),
    answered: (user, thread, id) => ({
      statements: [
        queries.answered(
          { user, thread, id },
          { expect: { rows: 1 }, otherwise: 'question.unknown', detail: { question: id } },
        ),
      ],
    }),
  }
}

type Thread = { user: string; thread: string }
const compile = (dialect: Dialect) => ({ ...reads(dialect), ...writes(dialect) })

function reads(dialect: Dialect) {
  return {
    state: template<AgentsTables, Thread>(
      dialect,
      (db, p) =>
        db
          .selectFrom('session_threads')
          .select(['steps', 'open'])
          .where('user_id', '=', p.user)
          .where('thread', '=', p.thread),
      openContent,
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

function writes(dialect: Dialect) {
  return {
    create: template<AgentsTables, Thread>(dialect, (db, p) =>
      db
        .insertInto('session_threads')
        .values({ user_id: p.user, thread: p.thread, steps: 0, open: null })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    begin: template<AgentsTables, Thread & { before: number; steps: number; open: string }>(
      dialect,
      (db, p) =>
        db
          .updateTable('session_threads')
          .set({ steps: p.steps, open: p.open })
          .where('user_id', '=', p.user)
          .where('thread', '=', p.thread)
          .where('steps', '=', p.before)
          .where('open', 'is', null),
      openContent,
    ),
    end: template<AgentsTables, Thread>(dialect, (db, p) =>
      db
        .updateTable('session_threads')
        .set({ open: null })
        .where('user_id', '=', p.user)
        .where('thread', '=', p.thread),
    ),
    forget: template<AgentsTables, Thread>(dialect, (db, p) =>
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
