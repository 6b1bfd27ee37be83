/** The statements that delete a thread with everything that belongs to it, in one change. */
import type { UserId } from '../../core/index.ts'
import { threadWorkspace } from '../../sandbox/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { Services } from '../services-port.ts'
import { type ThreadState, type ThreadStore, threadMessagesOf } from './thread-store.ts'

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
