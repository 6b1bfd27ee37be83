/** Opens the journal of a step that this process is about to execute. */
import type { JournalContent, JournalWriter } from '../journal-port.ts'
import type { StepSpec } from '../steps-port.ts'
import type { StepsContext } from './steps-context.ts'

export interface OpenedStepJournal {
  /** Undefined before the first record. */
  readonly content: JournalContent | undefined
  /** Undefined for a journal that is closed or does not exist. */
  readonly writer?: JournalWriter
}

/** Takes over a journal that exists and is not closed. */
export async function openStepJournal(
  { journals, clock }: StepsContext,
  { id, principal }: StepSpec,
): Promise<OpenedStepJournal> {
  const content = await journals.load(principal.userId, id)
  if (!content || content.closed) return { content }
  return journals.takeOver(principal.userId, id, clock.now())
}
