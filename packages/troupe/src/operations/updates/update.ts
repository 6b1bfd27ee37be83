/**
 * Compact notices for lists that are shown: which run, question, schedule, mailbox or namespace changed, and no
 * content.
 */
import { sessionThreadOf } from '../../agents/index.ts'
import { isObject, type TroupeEvent } from '../../core/index.ts'

/** The status of a run, after it or the stored usage of the run changed; the list of runs has the other fields. */
export type RunUpdate = {
  readonly kind: 'run'
  readonly run: string
  readonly status: 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  /** Present while it waits. */
  readonly reason?: string
}
export type QuestionUpdate = {
  readonly kind: 'question'
  readonly run: string
  readonly question: string
  readonly state: 'open' | 'answered' | 'closed'
}
export type ScheduleUpdate = { readonly kind: 'schedule'; readonly schedule: string }
/** A message was moved to the dead letters of the mailbox, or left them. */
export type DeadLettersUpdate = { readonly kind: 'dead-letters'; readonly mailbox: string }
/** An entry was written or removed whose key is the namespace or begins with it and a dot; empty: any entry. */
export type ContextUpdate = { readonly kind: 'context'; readonly namespace: string }
/** A session began or ended to wait for a person, or a person resolved an effect. The list of approvals says which. */
export type ApprovalsUpdate = { readonly kind: 'approvals' }
/** The same of a session or a run of any user. Only watchers of all users receive it. */
export type AllApprovalsUpdate = { readonly kind: 'all-approvals' }
/** A run of any user started, changed its status or ended. Only watchers of all users receive it. */
export type AllRunsUpdate = { readonly kind: 'all-runs' }
/** A health check of a process changed. Only watchers of all users receive it. */
export type HealthUpdate = { readonly kind: 'health' }
export type ListUpdate =
  | RunUpdate
  | QuestionUpdate
  | ScheduleUpdate
  | DeadLettersUpdate
  | ContextUpdate
  | ApprovalsUpdate
  | AllApprovalsUpdate
  | AllRunsUpdate
  | HealthUpdate

export const observedPatterns = [
  'run.*',
  'step.resumed',
  'step.released',
  'usage.stored',
  'question.*',
  'schedule.*',
  'message.dead-lettered',
  'message.redriven',
  'context.*',
  'approval.closed',
] as const
export type ObservedEvent = TroupeEvent<(typeof observedPatterns)[number]>

const run = (id: string, status: RunUpdate['status']): RunUpdate => ({ kind: 'run', run: id, status })

/** @returns undefined for an event that changes no list */
export function updateOf(event: ObservedEvent): ListUpdate | undefined {
  switch (event.type) {
    case 'run.started':
    case 'run.resumed':
    case 'run.retried':
    // A run that waited for an answer or for a resolution continues with its step.
    case 'step.resumed':
    // Tokens and cost of a run in progress changed.
    case 'usage.stored':
      return run(event.runId, 'running')
    case 'approval.closed':
      return { kind: 'approvals' }
    case 'step.released':
      return sessionThreadOf(event.stepId) === undefined ? undefined : { kind: 'approvals' }
    case 'run.waiting':
      return { ...run(event.runId, 'waiting'), reason: event.reason }
    case 'run.completed':
      return run(event.runId, 'completed')
    case 'run.failed':
      return run(event.runId, 'failed')
    case 'run.cancelled':
      return run(event.runId, 'cancelled')
    case 'question.asked':
      return { kind: 'question', run: event.runId, question: event.question, state: 'open' }
    case 'question.answered':
      return { kind: 'question', run: event.runId, question: event.question, state: 'answered' }
    case 'question.expired':
    case 'question.withdrawn':
      return { kind: 'question', run: event.runId, question: event.question, state: 'closed' }
    case 'message.dead-lettered':
    case 'message.redriven':
      return { kind: 'dead-letters', mailbox: event.to }
    case 'context.pushed':
    case 'context.overwritten':
    case 'context.deleted':
      return { kind: 'context', namespace: namespaceOf(event.key) }
    case 'context.cleared':
      return { kind: 'context', namespace: '' }
    default:
      return event.type.startsWith('schedule.') && 'scheduleId' in event
        ? { kind: 'schedule', schedule: event.scheduleId }
        : undefined
  }
}

const namespaceOf = (key: string): string => key.split('.', 1)[0] as string

/** Returns the subject of the update: a later update of the same subject replaces an earlier one. */
export function subjectOf(update: ListUpdate): string {
  const { kind } = update
  if (kind === 'run') return `run ${update.run}`
  if (kind === 'question') return `question ${update.run} ${update.question}`
  if (kind === 'schedule') return `schedule ${update.schedule}`
  if (kind === 'context') return `context ${update.namespace}`
  return kind === 'dead-letters' ? `dead-letters ${update.mailbox}` : kind
}

/** Parses an update of another process: a newer release may send unknown kinds. */
export const isUpdate = (value: unknown): value is ListUpdate =>
  isObject(value) &&
  [
    'run',
    'question',
    'schedule',
    'dead-letters',
    'context',
    'approvals',
    'all-approvals',
    'all-runs',
    'health',
  ].includes(String(value.kind))
