/** Records that a run waits: `run.waiting`, decided from the state before and after an input. */
import type { RunDecision } from '../decision.ts'
import type { Event } from '../machine-events.ts'
import type { State } from '../state.ts'
import { childQuestionId } from './child-question-id.ts'
import { type DerivedStatus, deriveStatus } from './run-account.ts'

/**
 * Emits `run.waiting` if this decision leaves the run waiting and the run did not wait before, waited for another reason,
 * or had other open questions.
 * @param before the status of the run before the decision
 */
export function recordWaiting(d: RunDecision, before: DerivedStatus): void {
  const { reason } = deriveStatus(d.state)
  if (reason === undefined || (reason === before.reason && !questionsChanged(d.events))) return
  d.emit({ type: 'run.waiting', reason, questions: openQuestionsOf(d.state) })
}

/** The ids of all open questions: those of the run, then those of its waiting child runs. */
export function openQuestionsOf(state: Readonly<State>): readonly string[] {
  const own = [...state.questions.open.keys()]
  const children = [...state.steps.waitingChildren].flatMap(([run, { questions }]) =>
    questions.map((question) => childQuestionId(run, question)),
  )
  return [...own, ...children]
}

/** Returns whether a question was opened or closed, here or in a child run. */
const questionsChanged = (events: readonly Event[]): boolean =>
  events.some(({ type }) => type.startsWith('question.') || type.startsWith('child.'))
