/** Ends cancelled steps of a session: one that another process may execute, and one that this process has stopped. */
import { failure, sleep } from '../../core/index.ts'
import { eventContextOf } from '../../journal/index.ts'
import { committed, type Fragment } from '../../storage/index.ts'
import type { UnsavedMessages } from '../agent-port.ts'
import { inputMessage, messageJson } from '../model/content/model-messages.ts'
import { approvalClosed, type SessionOptions, stepFieldsOf } from './session-parts.ts'
import { type OpenStep, rejectRun, type ThreadState, type ThreadStore, threadMessagesOf } from './thread-store.ts'

/** The time in ms that a process has to record the effects in progress and to end its step. */
const abortMs = 12_000
const pollMs = 100

/**
 * Ends the open step. No process continues it. A process that executes it aborts its code, records the results of its effects
 * and ends it; if the process does not do so in time, an effect without a result is uncertain. The message of the user stays in
 * the thread.
 * @returns whether a step was open
 * @throws ConflictError `thread.busy` while a run continues the thread
 */
export async function cancelOpenStep(
  {
    user,
    steps,
    storage,
    services,
    audit,
    threadId,
  }: Pick<SessionOptions, 'user' | 'steps' | 'storage' | 'services' | 'audit' | 'threadId'>,
  threads: ThreadStore,
  thread: string,
): Promise<boolean> {
  const state = await threads.read(user, thread)
  rejectRun(state, threadId)
  const { open } = state
  if (!open) return false
  const read = () => threads.read(user, thread)
  const commit = (fragments: readonly Pick<Fragment, 'statements'>[]) =>
    storage.commit({ id: null, scope: { user }, statements: fragments.flatMap(({ statements }) => statements) })
  // The fence comes first: if this process ends before the thread is free, the next call ends the step as cancelled.
  const entry = { actor: 'host', operation: 'session.cancel', resource: threadId } as const
  const fenced = await commit([steps.cancel(user, open.step), { statements: audit?.written(user, entry) ?? [] }])
  if (!fenced.ok) throw failure(fenced.code, { ...fenced.detail })
  const isExecuting = steps.abort(user, open.step) || state.holder === 'other-process'
  if (isExecuting && (await hasEnded(services, read, state))) return true
  await steps.release(user, open.step)
  await steps.markUncertain(user, open.step)
  const { threadMessages } = services.records
  const messages = threadMessagesOf(thread)
  const fragments = [threads.cancelled(user, thread, state)]
  const stored = (await threadMessages.load(user, messages)).length
  fragments.push(threadMessages.append(user, messages, stored, unansweredMessage(open)))
  const ended = await commit(fragments)
  // Another call may have ended the step meanwhile.
  if (!ended.ok && isOpen(state, await read())) throw failure(ended.code, { ...ended.detail })
  approvalClosed({ services, user }, thread)
  if (ended.ok) emitCancelled(services, stepFieldsOf({ user, threadId }, thread.slice(thread.indexOf('/') + 1), open))
  return true
}

/** Emits the end of a step that no process executed: the process that released it has emitted that it waits. */
function emitCancelled(
  { platform: { clock, events } }: SessionOptions['services'],
  step: ReturnType<typeof stepFieldsOf>,
) {
  const at = clock.now()
  const { startedAt = at } = step
  const end = { status: 'cancelled', success: true, durationMs: 0, startedAt } as const
  events.emit({ ...eventContextOf(step), type: 'step.released', at, ...end })
}

const isOpen = (before: ThreadState, now: ThreadState): boolean => now.open !== undefined && now.steps === before.steps

/** Returns the message of the user in an open step, if it has one. */
export const unansweredMessage = ({ kind, input, taint = [] }: OpenStep) => ({
  messages: kind === 'generate' ? [messageJson(inputMessage(input))] : [],
  taint,
})

/** Waits until the process that executes the step has ended it. @returns false if that process has ended, or needs too long */
async function hasEnded(
  { platform: { clock } }: Pick<SessionOptions['services'], 'platform'>,
  read: () => Promise<ThreadState>,
  before: ThreadState,
): Promise<boolean> {
  for (const from = clock.monotonic(); clock.monotonic() - from < abortMs; ) {
    await sleep(clock, pollMs)
    const now = await read()
    if (!isOpen(before, now)) return true
    if (before.holder === 'other-process' && now.holder !== before.holder) return false
  }
  return false
}

/**
 * Ends the step in the thread. A cancelled step does not store its messages itself. They are appended to the thread, so that
 * the model knows of calls that may have had an effect. Such an effect of class `at-most-once` is listed as uncertain.
 */
export async function clearCancelled(
  { user, steps, storage, services }: Pick<SessionOptions, 'user' | 'steps' | 'storage' | 'services'>,
  threads: ThreadStore,
  {
    thread,
    open,
    unsaved,
  }: {
    readonly thread: string
    readonly open: OpenStep
    readonly unsaved: ((stored: number) => UnsavedMessages) | undefined
  },
): Promise<void> {
  const state = await threads.read(user, thread)
  if (state.open?.kind === 'run' || state.open?.step !== open.step) return
  await committed(storage, { id: null, scope: { user }, ...steps.cancel(user, open.step) })
  await steps.markUncertain(user, open.step)
  const { threadMessages } = services.records
  const messageThread = threadMessagesOf(thread)
  const stored = (await threadMessages.load(user, messageThread)).length
  // An agent without messages of a model has at least that of the user.
  const { messages, taint } = unsaved?.(stored) ?? unansweredMessage(open)
  const appended = threadMessages.append(user, messageThread, stored, { messages, taint })
  const statements = [...threads.ended(user, thread).statements, ...appended.statements]
  await committed(storage, { id: null, scope: { user }, statements })
}
