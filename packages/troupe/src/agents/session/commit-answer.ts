/** Stores the answer to a question of a session, for the step that waits for it. */
import { failure, type Json, taintField } from '../../core/index.ts'
import { committed, type Fragment } from '../../storage/index.ts'
import { answerTo, approvalAuditEntry } from '../step/approval-audit-entry.ts'
import { approvalClosed, type SessionOptions } from './session-parts.ts'
import { type OpenStep, readParked, type ThreadState, type ThreadStore } from './thread-store.ts'

/**
 * Stores the answer, in one change with the statements of `claim`.
 * @param answer.claim claims the step for this process, which continues it; absent, another process may do so
 * @returns the step that continues with the answer, and its holder before
 * @throws ConflictError `question.unknown` for a second answer, `approval.mismatch`, `thread.busy`; ValidationError
 */
export async function commitAnswer(
  {
    user,
    steps,
    storage,
    services,
    audit,
    threadId,
  }: Pick<SessionOptions, 'user' | 'storage' | 'services' | 'audit' | 'threadId'> & {
    readonly steps: Pick<SessionOptions['steps'], 'answer'>
  },
  threads: ThreadStore,
  thread: string,
  {
    id,
    value,
    claim,
  }: { readonly id: string; readonly value: Json; readonly claim?: (state: ThreadState) => Fragment },
): Promise<{ readonly open: OpenStep; readonly holder: ThreadState['holder'] }> {
  const read = () => threads.read(user, thread)
  const storedIn = ({ questions }: ThreadState) => questions.find(({ question }) => question.id === id)
  const state = await (claim
    ? readParked(services.platform.clock, read, (found) => storedIn(found) !== undefined)
    : read())
  const { open, holder } = state
  const stored = storedIn(state)
  if (!stored || !open || open.kind === 'run') throw failure('question.unknown', { question: id })
  const checked = answerTo(services.guard, user, stored.question, value)
  const auditStatements =
    stored.question.kind === 'approval'
      ? audit?.actionStatements({ actor: 'host', ...approvalAuditEntry(stored.question, checked) }, user)
      : audit?.written(user, { actor: 'host', operation: 'session.answer', resource: threadId })
  const fragments = [
    ...(claim ? [claim(state)] : []),
    threads.answered(user, thread, id),
    steps.answer(user, stored.step, stored.wait, { value: checked, ...taintField(services.guard.people) }),
  ]
  await committed(storage, {
    id: null,
    scope: { user },
    statements: [...fragments.flatMap(({ statements }) => statements), ...(auditStatements ?? [])],
    feed: fragments.flatMap(({ feed = [] }) => feed),
    wake: fragments.flatMap(({ wake = [] }) => wake),
  })
  approvalClosed({ services, user }, thread)
  return { open, holder }
}
