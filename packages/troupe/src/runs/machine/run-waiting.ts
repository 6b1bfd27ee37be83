/** Records that a run waits: `run.waiting`, decided from the state before and after an input. */
import type { Deciding } from './decision.ts'
import type { Event } from './machine-events.ts'
import { type DerivedStatus, deriveStatus } from './run-account.ts'

/**
 * Emits `run.waiting` if this decision leaves the run waiting and the run did not wait before, waited for another reason,
 * or had other open questions.
 * @param before the status of the run before the decision
 */
export function recordWaiting(d: Deciding, before: DerivedStatus): void {
  const { reason } = deriveStatus(d.state)
  if (reason === undefined || (reason === before.reason && !questionsChanged(d.events))) return
  const open = [...d.state.questions.values()].filter(({ status }) => status === 'open')
  d.emit({ type: 'run.waiting', reason, questions: open.map(({ id }) => id) })
}

/** Returns whether a question was opened or closed. */
const questionsChanged = (events: readonly Event[]): boolean => events.some(({ type }) => type.startsWith('question.'))
