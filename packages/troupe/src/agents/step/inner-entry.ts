/** The entry of an agent that acts inside a step of another one: a helper, or the agent of a guardrail. */
import type { Recorder } from '../../journal/index.ts'
import type { Agent, Flow, StepEntry } from '../agent-port.ts'
import { clientsFor } from './clients-for.ts'

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
