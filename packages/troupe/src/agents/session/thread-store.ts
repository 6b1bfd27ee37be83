/**
 * The threads of a user: one row for each agent or team with which a thread is held. It has the step or run that is open, and
 * the questions that a session waits for.
 */
import {
  type Cancel,
  type Clock,
  decodeJson,
  failure,
  type Json,
  LeaseLostError,
  sleep,
  type TaintLabel,
  type TraceContext,
  TroupeError,
  titleOf,
  type UserId,
} from '../../core/index.ts'
import { escapeRun, type StepSpec } from '../../journal/index.ts'
import { committed, type Fragment, type Row, type Storage } from '../../storage/index.ts'
import type { Question } from '../agent-port.ts'
import { type ThreadPartner, type ThreadPosition, threadStatements } from './thread-statements.ts'

/** A step of the thread that has not ended. */
export type OpenStep = {
  readonly step: string
  readonly kind: 'generate' | 'tool'
  /** The tool's name. */
  readonly tool?: string
  readonly input: Json
  /** The taint labels of the input. */
  readonly taint?: readonly TaintLabel[]
  /** In ms since 1970; absent in a step that an earlier version has stored. */
  readonly startedAt?: number
  /** The span in which the call began, in the trace of its caller. */
  readonly callerSpan?: TraceContext
}
/** A run that continues the thread and has not ended. */
export type OpenThreadRun = { readonly kind: 'run'; readonly run: string; readonly input: Json }

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
  readonly open: OpenStep | OpenThreadRun | undefined
  /** The process that executes the open step; empty if there is none. */
  readonly owner: string
  /** `free`: the open step was released. `ended`: the process that executed it has ended, or has lost its lease. */
  readonly holder: 'here' | 'free' | 'ended' | 'other-process'
  readonly title: string | undefined
  readonly questions: readonly StoredQuestion[]
}
/** A thread in a list. */
export interface StoredThread extends ThreadPartner {
  readonly title: string
  readonly turns: number
  /** In ms since 1970. */
  readonly updatedAt: number
  /** The run that continues it now. */
  readonly run?: string
}

export interface ThreadStore {
  read(user: UserId, thread: string): Promise<ThreadState>
  /** @throws ConflictError `thread.busy` when another call began a step of this thread first */
  begin(user: UserId, partner: ThreadPartner, state: ThreadState, open: OpenStep): Promise<void>
  /**
   * Returns the statements with which this process claims the open step before it executes it. They are rejected with
   * `thread.busy` if another process was faster.
   * @throws ConflictError `thread.busy` while another process executes the step
   */
  claim(user: UserId, partner: Pick<ThreadPartner, 'threadId' | 'name'>, state: ThreadState): Fragment
  /**
   * Releases a step which this process executed and did not end. If the commit fails, it is retried in the background until it
   * succeeds or this process claims the step.
   */
  release(clock: Clock, user: UserId, thread: string, open: OpenStep): Promise<void>
  /** Returns the statements that begin a run in the thread. They are rejected with `thread.busy` if it is in use. */
  beginRun(user: UserId, partner: ThreadPartner, state: ThreadState, open: OpenThreadRun): Fragment
  /** The statements of an open step for its journal. */
  ofStep(user: UserId, thread: string, open: OpenStep): Pick<StepSpec, 'expectations' | 'onEnd'>
  /** The statement for the change that ends the step or the run. */
  ended(user: UserId, thread: string): Fragment
  /** The statements that end a cancelled step. They are rejected with `thread.conflict` if it has ended in the meantime. */
  cancelled(user: UserId, thread: string, state: ThreadState): Fragment
  /**
   * Removes the thread from lists, in the change that deletes its messages. It is rejected with `thread.conflict` if a step
   * began in the meantime.
   */
  forget(user: UserId, thread: string, state: ThreadState): Fragment
  /** Returns the threads of a user, the newest first, or those with this id. */
  list(
    user: UserId,
    wanted: { readonly threadId: string } | { readonly limit: number; readonly after?: ThreadPosition | undefined },
  ): Promise<readonly (StoredThread & ThreadPosition)[]>
  /** Returns a thread, also one that was deleted and whose journals still exist. */
  get(user: UserId, thread: string): Promise<StoredThread | undefined>
  /** Returns the ids of the threads after this one that wait for an answer. */
  asking(user: UserId, after: string, limit: number): Promise<readonly string[]>
  ask(user: UserId, thread: string, stored: StoredQuestion): Fragment
  /** Deletes the question. Part of the change that stores the answer, so that only one answer is accepted. */
  answered(user: UserId, thread: string, id: string): Fragment
}

/** Returns the id under which the messages and the state of a thread with one agent or team are stored. */
export const threadKey = ({ threadId, name }: Pick<ThreadPartner, 'threadId' | 'name'>): string =>
  `${escapeRun(threadId)}/${name}`
/** Returns the id of the session of such a thread in the list of approvals. */
export const sessionId = (thread: string): string => `session:${thread}`
/** Returns the id of the messages of such a thread. */
export const threadMessagesOf = (thread: string): string => `thread:${thread}`

/** @param owner returns the id of this process on a storage that several processes share; undefined on other storages */
export function createThreadStore(
  storage: Pick<Storage, 'dialect' | 'read' | 'commit'>,
  owner: () => string = () => '',
): ThreadStore {
  const queries = threadStatements(storage.dialect)
  return {
    ...ownership(storage, queries, owner),
    ...ends(queries),
    async read(user, thread) {
      const [rows, questions] = await storage.read({ user }, [
        queries.state({ user, thread }, { returns: true }),
        queries.questions({ user, thread }, { returns: true }),
      ])
      const row = rows?.[0]
      return {
        steps: Number(row?.steps ?? 0),
        open: typeof row?.open === 'string' ? (decodeJson(row.open) as OpenStep | OpenThreadRun) : undefined,
        owner: String(row?.owner ?? ''),
        holder: row ? holderIn(row, owner()) : 'free',
        title: typeof row?.title === 'string' ? row.title : undefined,
        questions: (questions ?? []).map((found) => ({
          question: decodeJson(String(found.question)) as SessionQuestion,
          step: String(found.step),
          wait: String(found.wait),
        })),
      }
    },
    async begin(user, partner, state, open) {
      const statements = next(queries, user, { partner, state, open, owner: owner() })
      await committed(storage, { id: null, scope: { user }, statements })
    },
    beginRun: (user, partner, state, open) => ({
      statements: next(queries, user, { partner, state, open, owner: '' }),
    }),
    async list(user, wanted) {
      const statement =
        'threadId' in wanted
          ? queries.ofThread({ user, id: wanted.threadId }, { returns: true })
          : queries.page({ user, limit: wanted.limit, ...(wanted.after ?? end) }, { returns: true })
      const [rows] = await storage.read({ user }, [statement])
      return (rows ?? []).map(threadOf)
    },
    async get(user, thread) {
      const [rows] = await storage.read({ user }, [queries.named({ user, thread }, { returns: true })])
      return rows?.[0] && threadOf(rows[0])
    },
    async asking(user, after, limit) {
      const [rows] = await storage.read({ user }, [queries.asking({ user, after, limit }, { returns: true })])
      return (rows ?? []).map((row) => String(row.thread))
    },
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

const ended = (queries: ReturnType<typeof threadStatements>, user: UserId, thread: string): Fragment => ({
  statements: [queries.end({ user, thread, now }), queries.dropQuestions({ user, thread })],
})

/** Returns the number of a step in its thread. */
const stepNumberOf = (step: string): number => Number(step.slice(step.lastIndexOf('#') + 1))

/** The ends of open steps and runs, and of threads. */
const ends = (
  queries: ReturnType<typeof threadStatements>,
): Pick<ThreadStore, 'ofStep' | 'ended' | 'cancelled' | 'forget'> => ({
  ofStep: (user, thread, { step }) => ({
    expectations: () => [
      queries.isOpen(
        { user, thread, steps: stepNumberOf(step) },
        { expect: { rows: 1 }, otherwise: 'journal.lost', detail: { journal: step } },
      ),
    ],
    onEnd: () => ended(queries, user, thread),
  }),
  ended: (user, thread) => ended(queries, user, thread),
  cancelled: (user, thread, { steps }) => ({
    statements: [
      queries.cancel(
        { user, thread, steps, now },
        { expect: { rows: 1 }, otherwise: 'thread.conflict', detail: { thread } },
      ),
      queries.dropQuestions({ user, thread }),
    ],
  }),
  forget: (user, thread, { steps }) => ({
    statements:
      steps === 0
        ? []
        : [
            queries.hide(
              { user, thread, steps },
              { expect: { rows: 1 }, otherwise: 'thread.conflict', detail: { thread } },
            ),
          ],
  }),
})

/** The owner of an open step: at most one process executes it, as long as its lease lasts. */
function ownership(
  storage: Pick<Storage, 'commit'>,
  queries: ReturnType<typeof threadStatements>,
  owner: () => string,
): Pick<ThreadStore, 'claim' | 'release'> {
  const retries = new Map<string, Cancel>()
  const release: ThreadStore['release'] = async (clock, user, thread, open) => {
    const mine = owner()
    if (mine === '') return
    const statements = [queries.release({ user, thread, steps: stepNumberOf(open.step), owner: mine })]
    const key = JSON.stringify([user, thread])
    retries.delete(key)
    try {
      await storage.commit({ id: null, scope: { user }, statements })
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'troupe.closed') return
      const retry = () => void release(clock, user, thread, open)
      retries.set(key, clock.after(releaseRetryMs, retry, { background: true }))
    }
  }
  return {
    claim(user, partner, { steps, owner: before, holder }) {
      const thread = threadKey(partner)
      // A release during the execution would let another process claim the step.
      retries.get(JSON.stringify([user, thread]))?.()
      if (holder === 'here') return { statements: [] }
      const detail = { thread: partner.threadId, holder: 'a session of another process' }
      if (holder === 'other-process') throw failure('thread.busy', detail)
      const values = { user, thread, steps, before, owner: owner() }
      return { statements: [queries.claim(values, { expect: { rows: 1 }, otherwise: 'thread.busy', detail })] }
    },
    release,
  }
}

const releaseRetryMs = 1_000

function holderIn({ owner, registered }: Row, mine: string): ThreadState['holder'] {
  if (owner === mine) return 'here'
  if (owner === '') return 'free'
  return registered === null ? 'ended' : 'other-process'
}

/**
 * Returns the statements that begin a step or a run: the thread must be free, and at its known number of steps. They are rejected
 * with `thread.busy` if another call was faster.
 */
function next(
  queries: ReturnType<typeof threadStatements>,
  user: UserId,
  at: {
    readonly partner: ThreadPartner
    readonly state: ThreadState
    readonly open: OpenStep | OpenThreadRun
    readonly owner: string
  },
) {
  const { partner, open, owner } = at
  const { threadId: id, name, kind } = partner
  const { steps, title, open: current } = at.state
  const thread = threadKey(partner)
  const isMessage = open.kind !== 'tool'
  return [
    queries.create({ user, thread, id, name, kind }),
    queries.begin(
      {
        ...{ user, thread, before: steps, steps: steps + 1, open: JSON.stringify(open), owner, now },
        title: title ?? (isMessage ? titleOf(open.input) : null),
        turns: isMessage ? 1 : 0,
      },
      { expect: { rows: 1 }, otherwise: 'thread.busy', detail: { thread: id, holder: holderOf(current) } },
    ),
  ]
}

/** Names the step or run that holds a thread, for errors. */
export const holderOf = (open: ThreadState['open']): string =>
  open === undefined ? 'another call' : open.kind === 'run' ? `the run ${open.run}` : 'a session'

/** @throws ConflictError `thread.busy` while a run continues the thread */
export function rejectRun(
  state: ThreadState,
  threadId: string,
): asserts state is ThreadState & { readonly open: OpenStep | undefined } {
  const { open } = state
  if (open?.kind === 'run') throw failure('thread.busy', { thread: threadId, holder: holderOf(open) })
}

/** Returns the error of a call that waited for the open step: the problem of the step, or that another process executes it. */
export const openStepError = (threadId: string, open: OpenStep, problem: unknown): unknown =>
  problem instanceof LeaseLostError
    ? failure('thread.busy', { thread: threadId, holder: holderOf(open) }, { cause: problem })
    : problem

const now = { $: 'now' } as const
/** Follows every thread of the order. */
const end: ThreadPosition = { updatedAt: Number.MAX_SAFE_INTEGER, thread: '' }

function threadOf(row: Row): StoredThread & ThreadPosition {
  const open = typeof row.open === 'string' ? (decodeJson(row.open) as OpenStep | OpenThreadRun) : undefined
  return {
    thread: String(row.thread),
    threadId: String(row.thread_id),
    name: String(row.name),
    kind: row.kind as ThreadPartner['kind'],
    title: String(row.title ?? ''),
    turns: Number(row.turns),
    updatedAt: Number(row.updated_at),
    ...(open?.kind === 'run' ? { run: open.run } : {}),
  }
}

/** The time in ms that a process has to release a step whose question or uncertain effect is stored. */
const parkMs = 1_000
const parkPollMs = 50

/**
 * Reads a thread whose step has begun to wait. Another process may still hold the step, which it releases a moment after the
 * step has asked.
 */
export async function readParked(
  clock: Clock,
  read: () => Promise<ThreadState>,
  isWaiting: (state: ThreadState) => boolean = () => true,
): Promise<ThreadState> {
  for (const from = clock.monotonic(); ; await sleep(clock, parkPollMs)) {
    const state = await read()
    const isHeld = state.holder === 'other-process' && isWaiting(state)
    if (!isHeld || clock.monotonic() - from >= parkMs) return state
  }
}

/** Returns the questions of a thread that wait for an answer. */
export const openQuestions = async (threads: ThreadStore, user: UserId, thread: string) =>
  (await threads.read(user, thread)).questions.map(({ question }) => question)
