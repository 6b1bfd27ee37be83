/** Reads what waits for a person: one run, session or handler. */
import { type StoredThread, sessionId, sessionThreadOf, uncertainInThread, withRecords } from '../../agents/index.ts'
import type { UserId } from '../../core/index.ts'
import { type JournalId, journalOwnerOf, runJournal, type UncertainEffect } from '../../journal/index.ts'
import {
  type RunSummary,
  readAccountOutline,
  readOpenQuestions,
  summaryOf,
  uncertainEffects,
} from '../../runs/index.ts'
import type { TroupeParts } from '../troupe-parts.ts'
import type { OpenApproval } from './approval.ts'

export type ApprovalParts = Pick<TroupeParts, 'agents' | 'communication' | 'journal' | 'runs' | 'security' | 'stores'>

/** Returns the id of the run, session or handler to which a step belongs. */
export function approvalIdOf(step: JournalId): string {
  const run = journalOwnerOf(step)?.run
  if (run !== undefined) return runJournal(run)
  const thread = sessionThreadOf(step)
  return thread === undefined ? step : sessionId(thread)
}

/** Returns the id of the thread; undefined if the id is not of a session. */
export const threadOfId = (id: string): string | undefined =>
  id.startsWith(sessionId('')) ? id.slice(sessionId('').length) : undefined

/**
 * Returns a run that waits, or of which a branch waits for an answer.
 * @returns undefined for another run, and for one in progress with an uncertain effect, which `readUncertainRun` returns
 */
export async function readWaitingRun(
  { journal, runs }: ApprovalParts,
  user: UserId,
  { id, title, createdAt, team, usage, cost }: RunSummary,
): Promise<OpenApproval | undefined> {
  const row = await runs.orchestra.parts.stores.store.get(user, id)
  // The user may have been erased, and the run may have ended, since the list was read.
  if (row === undefined) return undefined
  const uncertain = await uncertainEffects(runs.orchestra, user, id)
  const account = row.status === 'waiting' && row.result !== null ? readAccountOutline(row.result) : undefined
  const asked = account || uncertain.length > 0 ? [] : await openQuestionsOf(journal, user, row)
  if (!account && asked.length === 0) return undefined
  const { reason, questions } = account ?? { reason: 'question', questions: asked }
  const shown = defined({ reason, team, usage, cost })
  return { id: runJournal(id), origin: 'run', run: id, ...shown, title, createdAt, questions, uncertain }
}

interface RunInProgress {
  readonly run: string
  readonly status: string
  readonly reason: string | null
}

/** Returns the open questions of a run in progress, which its row does not have. */
const openQuestionsOf = async (
  journal: ApprovalParts['journal'],
  user: UserId,
  { run, status, reason }: RunInProgress,
) => (status === 'running' && reason === 'question' ? readOpenQuestions(journal, user, run) : [])

/**
 * Returns a run with uncertain effects that has ended or is in progress.
 * @returns undefined for a run that waits, which the list of waiting runs has
 */
export async function readUncertainRun(
  { journal, runs }: ApprovalParts,
  user: UserId,
  run: string,
  listed: readonly UncertainEffect[],
): Promise<OpenApproval | undefined> {
  const row = await runs.orchestra.parts.stores.store.get(user, run)
  if (row === undefined || row.status === 'waiting') return undefined
  const { title, createdAt, team, usage, cost, endedAt } = summaryOf(runs.orchestra.parts, row)
  const uncertain = await uncertainEffects(runs.orchestra, user, run, listed)
  const shown = defined({ team, usage, cost, endedAt })
  const questions = await openQuestionsOf(journal, user, row)
  return { id: runJournal(run), origin: 'run', run, ...shown, title, createdAt, questions, uncertain }
}

/** @returns undefined for a session that does not wait any more */
export async function readSession(
  { journal: { steps }, runs }: ApprovalParts,
  user: UserId,
  thread: string,
): Promise<OpenApproval | undefined> {
  const { store } = runs.orchestra.parts.stores.threads
  const [found, { open, questions: asked }] = await Promise.all([store.get(user, thread), store.read(user, thread)])
  const uncertain = await uncertainInThread({ steps, user }, thread)
  const questions = asked.map(({ question }) => question)
  if (found === undefined || questions.length + uncertain.length === 0) return undefined
  const { threadId, name, title } = found
  const isOpen = (step: string) => open !== undefined && open.kind !== 'run' && open.step === step
  const reason = uncertain.some(({ step }) => isOpen(step))
    ? 'uncertain'
    : questions.length > 0
      ? 'question'
      : undefined
  return {
    ...{ id: sessionId(thread), origin: 'session', threadId, agent: name, ...defined({ reason }), title },
    createdAt: sinceOf(found, uncertain),
    ...{ questions, uncertain },
  }
}

const sinceOf = ({ updatedAt }: StoredThread, [oldest]: readonly { readonly since: string }[]): string =>
  oldest?.since ?? new Date(updatedAt).toISOString()

export async function readHandler(
  { communication, journal: { steps } }: ApprovalParts,
  user: UserId,
  step: JournalId,
  listed: readonly UncertainEffect[],
): Promise<OpenApproval | undefined> {
  const uncertain = await withRecords(
    steps,
    user,
    listed.filter((effect) => effect.step === step),
  )
  const [oldest] = uncertain
  if (oldest === undefined) return undefined
  const handled = await communication.mailboxes.handledIn(user, step)
  const [message] = handled
  return {
    ...{ id: step, origin: 'handler', ...defined({ agent: message?.mailbox }), messages: handled.map(({ id }) => id) },
    ...{ reason: 'uncertain', title: message?.type ?? '', createdAt: oldest.since, questions: [], uncertain },
  }
}

const defined = <Fields extends object>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>
  }
