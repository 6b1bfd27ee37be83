/** Lists the threads of a user, and reads one with its messages and runs. */
import {
  type ShownMessage,
  type StoredThread,
  shownMessages,
  taintOfMessages,
  threadKey,
  threadMessagesOf,
} from '../../../agents/index.ts'
import {
  addStepTaint,
  checkName,
  checkOptions,
  checkSignal,
  createPage,
  decodeCursor,
  encodeCursor,
  failure,
  isInStep,
  type Page,
  type UserId,
} from '../../../core/index.ts'
import { checkInteger } from '../../../resilience/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { listRunSummaries, type RunSummary } from '../store/list-run-summaries.ts'

/** The options of `orchestra.threads`: the page. */
export interface ThreadListOptions {
  /** The number of threads of a page, from 1, at most 500; 50 by default. */
  readonly limit?: number
  /** The cursor of the previous page; by default the first page. */
  readonly cursor?: string
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** The options of `orchestra.thread`. */
export interface ThreadOptions {
  /** The name of the agent or the team; by default the one of the newest message. */
  readonly name?: string
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** A thread in a list: the messages between the user and one agent or team. */
export interface ThreadSummary {
  /** The id of the thread. */
  readonly threadId: string
  /** The name of the agent, if the thread is held with an agent. */
  readonly agent?: string
  /** The name of the team, if the thread is held with a team. */
  readonly team?: string
  /** The beginning of the first message on one line, at most 200 characters. */
  readonly title: string
  /** The number of messages of the user. */
  readonly turns: number
  /** The time of the newest message or answer, as ISO 8601 text. */
  readonly updatedAt: string
  /** The id of the run that continues the thread now; absent if none does. */
  readonly run?: string
}

/** A thread with its messages and runs. */
export interface ThreadView extends ThreadSummary {
  /** The messages, the oldest first. */
  readonly messages: readonly ShownMessage[]
  /** The newest 100 runs of the thread, the oldest of them first; `orchestra.list({ threadId })` lists all. */
  readonly runs: readonly RunSummary[]
}

const shownRuns = 100

export async function listThreads(
  parts: OrchestraParts,
  user: UserId,
  options: ThreadListOptions,
): Promise<Page<ThreadSummary>> {
  checkOptions('orchestra.threads', options, ['limit', 'cursor', 'signal'])
  checkSignal('orchestra.threads', options.signal)
  const limit = Math.min(checkInteger('orchestra.threads', 'limit', options.limit ?? 50), 500)
  const after = options.cursor === undefined ? undefined : readCursor(options.cursor)
  // One more row tells whether another page follows.
  const rows = await parts.stores.threads.store.list(user, { limit: limit + 1, after })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  const cursor = last && encodeCursor(JSON.stringify([last.updatedAt, last.thread]))
  // A title is the beginning of a message.
  if (isInStep()) for (const thread of shown) await messagesOf(parts, user, thread)
  return createPage(shown.map(summaryOf), cursor, (next) => listThreads(parts, user, { limit, cursor: next }))
}

/** @throws NotFoundError `thread.unknown` */
export async function readThread(
  parts: OrchestraParts,
  user: UserId,
  threadId: string,
  options: ThreadOptions,
): Promise<ThreadView> {
  checkOptions('orchestra.thread', options, ['name', 'signal'])
  checkSignal('orchestra.thread', options.signal)
  checkName('thread', threadId)
  const { name } = options
  if (name !== undefined) checkName('agent', name)
  const { store } = parts.stores.threads
  const found = await store.list(user, { threadId })
  const thread = name === undefined ? found[0] : found.find((each) => each.name === name)
  if (!thread) throw (await parts.reporting.erasureError?.(user)) ?? failure('thread.unknown', { thread: threadId })
  parts.reporting.audit?.read(user, { actor: 'host', operation: 'read.thread', resource: threadId })
  const stored = await messagesOf(parts, user, thread)
  const runs = await listRunSummaries(parts, user, { threadId, team: thread.name, limit: shownRuns })
  return { ...summaryOf(thread), messages: shownMessages(stored), runs: runs.items.toReversed() }
}

/** Code of a step that reads a thread past its `ctx` has the labels of the messages. */
async function messagesOf({ stores }: OrchestraParts, user: UserId, thread: StoredThread) {
  const stored = await stores.threads.messages.load(user, threadMessagesOf(threadKey(thread)))
  addStepTaint(taintOfMessages(stored), `the thread ${thread.threadId}`)
  return stored
}

const summaryOf = ({ threadId, name, kind, title, turns, updatedAt, run }: StoredThread): ThreadSummary => ({
  threadId,
  [kind]: name,
  title,
  turns,
  updatedAt: new Date(updatedAt).toISOString(),
  ...(run === undefined ? {} : { run }),
})

/** @throws ValidationError `cursor.invalid` */
function readCursor(cursor: string) {
  const decoded = decodeCursor(cursor)
  try {
    const [updatedAt, thread] = JSON.parse(decoded) as readonly unknown[]
    if (Number.isSafeInteger(updatedAt) && typeof thread === 'string') return { updatedAt: updatedAt as number, thread }
  } catch {
    // Falls through to the rejection.
  }
  throw failure('cursor.invalid')
}
