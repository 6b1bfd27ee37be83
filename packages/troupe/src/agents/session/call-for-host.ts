/** A call of an agent's tool by the application, in a session; no approval is requested. */
import { failure, type Json, nearestOf } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import { callTool, parseArguments, type Tool, type ToolHost } from '../../tools/index.ts'
import type { Agent, CtxOf } from '../agent-port.ts'
import { allTools } from '../definitions/all-tools.ts'
import { BaseLlmAgent, definitionOf } from '../definitions/base-llm-agent.ts'
import { documentModels, rankingOfStep } from '../memory/similarity.ts'
import type { Services } from '../services-port.ts'

/** @throws ValidationError `tool.unknown` or for the arguments, AccessDeniedError, ProcessingError `tool.failed` */
export async function callForHost(
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
