/** The statements that delete a thread with everything that belongs to it, in one change. */
import { failure, type UserId } from '../../core/index.ts'
import { threadWorkspace } from '../../sandbox/index.ts'
import { committed, type Statement } from '../../storage/index.ts'
import type { Services } from '../services-port.ts'
import type { SessionOptions } from './session-parts.ts'
import { waitingFor } from './session-result.ts'
import { holderOf, rejectRun, type ThreadState, type ThreadStore, threadMessagesOf } from './thread-store.ts'
import { uncertainInThread } from './uncertain-in-thread.ts'

/**
 * Deletes the messages with their summaries, the working memory, the facts and episodes that were learned in the thread, and
 * its files. Files that only its messages name are deleted with them. The change is rejected with `thread.conflict` if a step
 * began in the meantime.
 * @param thread the result of `threadKey`
 */
export function forgetThread(
  { services, threads }: { readonly services: Services; readonly threads: ThreadStore },
  user: UserId,
  thread: string,
  state: ThreadState,
): readonly Statement[] {
  const messages = threadMessagesOf(thread)
  const fragments = [
    threads.forget(user, thread, state),
    services.records.threadMessages.forget(user, messages),
    services.records.memories.forgetSource(user, messages),
  ]
  const files = services.sandboxes?.stored.forget(user, threadWorkspace(thread)) ?? []
  return [...fragments.flatMap(({ statements }) => statements), ...files]
}

/**
 * Deletes the thread of a session.
 * @throws ConflictError `session.waiting`, `effect.uncertain`, `thread.busy`
 */
export async function commitForget(options: SessionOptions, threads: ThreadStore, thread: string): Promise<void> {
  const { user, services, storage, threadId } = options
  const state = await threads.read(user, thread)
  rejectRun(state, threadId)
  const { open, questions } = state
  if (open) {
    const effect = (await uncertainInThread(options, thread)).find(({ step }) => step === open.step)
    if (effect) throw failure('effect.uncertain', { effect: effect.name, step: effect.step })
    const [asked] = questions
    if (asked) throw waitingFor(threadId, asked.question.id)
    throw failure('thread.busy', { thread: threadId, holder: holderOf(open) })
  }
  const statements = forgetThread({ services, threads }, user, thread, state)
  await committed(storage, { id: null, scope: { user }, statements })
}
