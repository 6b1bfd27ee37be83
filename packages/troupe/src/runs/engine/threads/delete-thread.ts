/** Deletes a thread of a user with everything that belongs to it. */
import { forgetThread, holderOf, threadKey } from '../../../agents/index.ts'
import { checkName, checkOptions, checkSignal, failure, invalidInput, type UserId } from '../../../core/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { ThreadOptions } from './read-threads.ts'

/**
 * Deletes a thread in one change, which has the audit record.
 * @throws NotFoundError `thread.unknown`; ConflictError `thread.busy` while a run or a session is in it; ValidationError if
 * several agents or teams have a thread with this id and none is named
 */
export async function deleteThread(
  { stores: { storage, threads }, agents, reporting }: OrchestraParts,
  user: UserId,
  threadId: string,
  options: ThreadOptions,
): Promise<void> {
  const what = 'orchestra.deleteThread'
  checkOptions(what, options, ['name', 'signal'])
  checkSignal(what, options.signal)
  checkName('thread', threadId)
  const { name } = options
  if (name !== undefined) checkName('agent', name)
  const find = async () => {
    const found = await threads.store.list(user, { threadId })
    return name === undefined ? found : found.filter((each) => each.name === name)
  }
  const unknown = async () => (await reporting.erasureError?.(user)) ?? failure('thread.unknown', { thread: threadId })
  const [partner, ...others] = await find()
  if (!partner) throw await unknown()
  if (others.length > 0) {
    const names = [partner, ...others].map((each) => each.name).join(', ')
    throw invalidInput(`${what}.name`, `the thread is held with ${names}: name one`)
  }
  const thread = threadKey(partner)
  const state = await threads.store.read(user, thread)
  // Another caller may have deleted it before its state was read.
  if (!(await find()).some((each) => each.name === partner.name)) throw await unknown()
  if (state.open) throw failure('thread.busy', { thread: threadId, holder: holderOf(state.open) })
  const statements = [
    ...forgetThread({ services: agents.services, threads: threads.store }, user, thread, state),
    ...(reporting.audit?.written(user, { actor: 'host', operation: 'thread.delete', resource: threadId }) ?? []),
  ]
  const result = await storage.commit({ id: null, scope: { user }, statements })
  if (result.ok) return
  // A step or a run began, or another caller has deleted the thread.
  if (result.code !== 'thread.conflict') throw failure(result.code, result.detail ?? {})
  throw failure('thread.busy', { thread: threadId, holder: holderOf(undefined) })
}
