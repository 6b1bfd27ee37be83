/** The id of a child run, and where the record of the step holds it. */
import { hashText, truncateText } from '../../../core/index.ts'

/** The call whose recorded answer is the id of a child run. */
export const childCall = { kind: 'child', name: '' }
/** The kind of the call that waits for the end of a child run; the name of the call is the child's id. */
export const childWait = 'run'

/**
 * The id has no `::`, which separates it from the id of a question in `childQuestionId`.
 * @param part distinguishes the child from other children of the run
 */
export const childRunId = (run: string, part: string): string =>
  `${truncateText(run, 40).replace(/::+/g, ':')}.${hashText(`${run}\n${part}`).slice(0, 16)}`

/** Returns the child run that a call waits for. */
export const childIn = (call: string): string | undefined => /\/run:(.+)#\d+$/s.exec(call)?.[1]
