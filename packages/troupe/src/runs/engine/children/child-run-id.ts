/** How a run that a step starts is called, and where the step's record has the name. */
import { hashText } from '../../../core/index.ts'

/** The call whose recorded answer is the id of a child. */
export const childCall = { kind: 'child', name: '' }
/** The kind of the call that waits for a child's end; its name is the child's. */
export const childWait = 'run'

/** @param part what tells it apart from others of the run */
export const childRunId = (run: string, part: string): string =>
  `${run.slice(0, 40)}.${hashText(`${run}\n${part}`).slice(0, 16)}`

/** The run that a call waits for. */
export const childIn = (call: string): string | undefined => /\/run:(.+)#\d+$/s.exec(call)?.[1]
