/** The code of a step of a session: the agent, or one of its tools for the application. */
import { failure, type Json, nearestOf } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import { callTool, parseArguments, type Tool, type ToolHost } from '../../tools/index.ts'
import type { Agent, AskOptions, CtxOf, Outcome, UnsavedMessages } from '../agent-port.ts'
import { allTools } from '../definitions/all-tools.ts'
import { BaseLlmAgent, definitionOf } from '../definitions/base-llm-agent.ts'
import type { StepSpent } from '../definitions/failed-spending.ts'
import { documentModels, rankingOfStep } from '../memory/similarity.ts'
import type { Services } from '../services-port.ts'
import { createAsk } from '../step/ask-question.ts'
import { guardedStep } from '../step/guarded-step.ts'
import { replyOnly } from '../step/inner-entry.ts'
import { threadStep } from '../step/thread-step.ts'
import type { Acting, SessionOptions } from './session-parts.ts'
import { type OpenStep, type SessionQuestion, type ThreadStore, threadKey, threadMessagesOf } from './thread-store.ts'

/** Returns the messages that the thread would lack if the executing step were aborted. */
export type Unsaved = (stored: number) => UnsavedMessages

interface Listeners {
  /** Called with the parts of the answer. */
  readonly live: ((part: Json) => void) | undefined
  /** Called with a function for the messages that are not stored yet. */
  readonly onThread: (unsaved: Unsaved) => void
  /** Called with the usage of the step so far. */
  readonly onSpent: (spent: StepSpent) => void
}

export async function sessionStep(
  options: SessionOptions & { readonly agent: Agent; readonly threads: ThreadStore; readonly isNewThread: boolean },
  open: OpenStep,
  recorder: Recorder,
  { live, ...listeners }: Listeners,
): Promise<Outcome> {
  const { budgetOf, user, agent, threads, isNewThread, services: shared } = options
  const thread = threadKey({ threadId: options.threadId, name: agent.name })
  const services = budgetOf ? { ...shared, limits: { ...shared.limits, budget: budgetOf(user) } } : shared
  const askIn = (inner: Recorder, name: string) =>
    createAsk(inner, (wait, question) => {
      const id = `${open.step.slice(open.step.lastIndexOf('#') + 1)}:${wait}`
      const stored = { question: { ...(question as SessionQuestion), id, agent: name }, step: open.step, wait }
      return threads.ask(user, thread, stored)
    })
  const contextOf = (inner: Recorder, name: string, more: Pick<Acting, 'over' | 'within'> = {}) => {
    const ask = (question: AskOptions) => askIn(inner, name)(question)
    return options.contextOf(inner, { agent, name, user, thread, ask, ...more })
  }
  const ctx = contextOf(recorder, agent.name)
  const ctxOf: CtxOf = (inner, name = agent.name, within = []) => contextOf(inner, name, { over: ctx, within })
  if (open.kind === 'tool')
    return { kind: 'value', value: await callForHost(agent, open, { recorder, ctxOf, services }) }
  const entry = {
    input: open.input,
    ctx,
    ctxOf,
    recorder,
    flow: replyOnly,
    services,
    thread: threadMessagesOf(thread),
    isNewThread,
    ...listeners,
    ...(live ? { live } : {}),
  }
  return guardedStep(services, agent.name, recorder, async () =>
    finalOutcome(agent.name, await threadStep(agent, entry)),
  )
}

/** Returns an outcome that has a value. @throws AgentError `outcome.invalid` because a session has no other agents */
function finalOutcome(agent: string, outcome: Outcome): Outcome {
  if ('value' in outcome) return outcome
  const problem =
    outcome.kind === 'handOff'
      ? `it cannot hand off to ${outcome.agent}`
      : `it cannot invoke ${outcome.targets.map((target) => target.agent).join(', ')}`
  throw failure('outcome.invalid', { agent, problem: `${problem} in a session`, allowed: 'finish; return a value' })
}

/**
 * Calls an agent's tool for the application, in a session; no approval is requested.
 * @throws ValidationError `tool.unknown` or for the arguments, AccessDeniedError, ProcessingError `tool.failed`
 */
async function callForHost(
  agent: Agent,
  { tool: name = '', input }: { readonly tool?: string; readonly input: Json },
  { recorder, ctxOf, services }: { readonly recorder: Recorder; readonly ctxOf: CtxOf; readonly services: Services },
): Promise<Json> {
  const tools =
    agent instanceof BaseLlmAgent
      ? await allTools(definitionOf(agent), { recorder, services })
      : new Map<string, Tool>()
  const tool = tools.get(name)
  if (!tool)
    throw failure('tool.unknown', {
      tool: name,
      nearest: tools.size === 0 ? 'to give the agent tools' : nearestOf(name, [...tools.keys()], 'docs/tools.md'),
    })
  if (agent.access.deny?.includes(name)) throw failure('access.denied', { agent: agent.name, action: name })
  const { external, guard, limits } = services
  const { clock, events } = services.platform
  const { userId } = recorder.principal
  const { recording, policies } = external
  const { tool: timeoutMs } = limits.timeouts
  const host: ToolHost = {
    clock,
    events,
    recording,
    guard,
    policies: policies?.tools,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    userId,
    agent: agent.name,
    ctxOf,
    documentModels: (charge) => documentModels(rankingOfStep({ services, recorder }, charge)),
  }
  const parsed = await parseArguments(tool, input)
  try {
    return await callTool(host, recorder, tool, { id: '1.1', args: input, input: parsed })
  } catch (error) {
    if (recorder.signal.aborted) throw error
    throw failure('tool.failed', { tool: name, problem: (error as Error).message }, { cause: error })
  }
}
