/** Ends the turn of a cancelled step of a session. */
import { committed } from '../../storage/index.ts'
import type { UnsavedMessages } from '../agent-port.ts'
import { unansweredMessage } from './cancel-open-step.ts'
import type { SessionOptions } from './session-parts.ts'
import { type OpenStep, type ThreadStore, threadMessagesOf } from './thread-store.ts'

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
