/** Cancels the open step of a thread without executing it. */
import { failure, type Json } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import { inputMessage } from '../model/content/model-messages.ts'
import { approvalClosed, type SessionOptions } from './session-parts.ts'
import { rejectRun, type ThreadStore, threadMessagesOf } from './thread-store.ts'

/**
 * Ends the open step. No process continues it, and a process that executes it can record only results of claimed effects.
 * The message of the user stays in the thread.
 * @returns whether a step was open
 * @throws ConflictError `thread.busy` while a run continues the thread, `thread.conflict`
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
  const commit = async (fragments: readonly Pick<Fragment, 'statements'>[]): Promise<void> => {
    const statements = fragments.flatMap((fragment) => fragment.statements)
    const done = await storage.commit({ id: null, scope: { user }, statements })
    if (!done.ok) throw failure(done.code, { ...done.detail })
  }
  // The fence comes first: if this process ends before the thread is free, the next call ends the step as cancelled.
  await commit([steps.cancel(user, open.step)])
  await steps.release(user, open.step)
  await steps.markUncertain(user, open.step)
  const { threadMessages } = services.records
  const messages = threadMessagesOf(thread)
  const entry = { actor: 'host', operation: 'session.cancel', resource: threadId } as const
  const fragments = [threads.cancelled(user, thread, state), { statements: audit?.written(user, entry) ?? [] }]
  if (open.kind === 'generate') {
    const stored = (await threadMessages.load(user, messages)).length
    const message = inputMessage(open.input) as unknown as Json
    fragments.push(threadMessages.append(user, messages, stored, { messages: [message], taint: open.taint ?? [] }))
  }
  await commit(fragments)
  approvalClosed({ services, user }, thread)
  return true
}
