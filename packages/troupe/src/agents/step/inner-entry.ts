/** The entry and the clients of an agent that acts inside a step of another one: a helper, or the agent of a guardrail. */
import type { Recorder } from '../../journal/index.ts'
import type { Agent, AgentAccess, CtxOf, Flow, StepEntry } from '../agent-port.ts'

/** The flow of an agent whose value goes back to its caller. */
export const replyOnly: Flow = { invoke: [], handOff: [], finish: false, askUser: false, value: 'back' }

/** @param inner.recorder the stage of the inner agent */
export function innerEntry(
  agent: Agent,
  entry: StepEntry,
  inner: { readonly recorder: Recorder; readonly input: StepEntry['input']; readonly thread: string },
): StepEntry {
  // These belong to the agent of the step and to its thread.
  const {
    results: _results,
    request: _request,
    serve: _serve,
    history: _history,
    isOwnHistory: _isOwnHistory,
    threadRun: _threadRun,
    onThread: _onThread,
    ...rest
  } = entry
  const clients = clientsFor(agent.access, entry, { recorder: inner.recorder, name: agent.name })
  return { ...rest, ...clients, ...inner, flow: replyOnly }
}

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
