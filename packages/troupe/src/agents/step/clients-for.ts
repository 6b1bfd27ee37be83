/** The hands of who acts for the agent of a step: a helper, or what a pool lends. */
import type { Recorder } from '../../journal/index.ts'
import type { AgentAccess, CtxOf, StepEntry } from '../agent-port.ts'

/**
 * It may do what it may by its own rights and by those of the agent of the step; a helper of its own has less again.
 * @param on the stage that it works on, and how it is called where that is not as the agent of the step
 */
export function clientsFor(
  access: AgentAccess,
  entry: StepEntry,
  { recorder = entry.recorder, name }: { readonly recorder?: Recorder; readonly name?: string } = {},
): Pick<StepEntry, 'ctx' | 'ctxOf'> {
  const ctxOf: CtxOf = (stage, called, within = []) => entry.ctxOf(stage, called, [access, ...within])
  return { ctx: ctxOf(recorder, name), ctxOf }
}
