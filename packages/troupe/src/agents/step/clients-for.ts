/** The clients of an agent that acts for the agent of a step: a helper, or an instance of a pool. */
import type { Recorder } from '../../journal/index.ts'
import type { AgentAccess, CtxOf, StepEntry } from '../agent-port.ts'

/**
 * Returns clients that may perform an action only if the acting agent and the agent of the step both may. A helper of
 * the acting agent is restricted further.
 * @param on the stage of the acting agent, and its name if it is not that of the agent of the step
 */
export function clientsFor(
  access: AgentAccess,
  entry: StepEntry,
  { recorder = entry.recorder, name }: { readonly recorder?: Recorder; readonly name?: string } = {},
): Pick<StepEntry, 'ctx' | 'ctxOf'> {
  const ctxOf: CtxOf = (stage, called, within = []) => entry.ctxOf(stage, called, [access, ...within])
  return { ctx: ctxOf(recorder, name), ctxOf }
}
