/**
 * A step that executes one call of an agent's tool with given arguments, in place of its model. The call takes the path of
 * the calls of a turn: schema, policy, approval, effect class and labels are those of any call of the agent.
 */
import { failure, invalidInput, type Json } from '../../core/index.ts'
import type { ModelAnswer } from '../../models/index.ts'
import type { Tool } from '../../tools/index.ts'
import { type Agent, checkStepEntry, type Outcome, type StepEntry } from '../agent-port.ts'
import { AgentPool } from '../definitions/agent-pool.ts'
import { allTools } from '../definitions/all-tools.ts'
import { BaseLlmAgent, definitionOf } from '../definitions/base-llm-agent.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import { Report } from '../definitions/report.ts'
import { KnownTexts } from '../flows/known-texts.ts'
import type { Services } from '../services-port.ts'
import { argumentsOf, pendingCallsOf } from './content/model-messages.ts'
import { executeCalls } from './execute-calls.ts'
import type { Offer } from './offer.ts'
import { deniedTo } from './select-tools.ts'
import { Thread } from './thread.ts'

/** Returns an agent with the name and the rights of the given one, whose step calls the tool with the `args` of its input. */
export function toolCallAgent(agent: Agent, tool: string): Agent {
  if (agent instanceof AgentPool) return agent.changed((one) => toolCallAgent(one, tool))
  if (!(agent instanceof BaseLlmAgent)) return agent
  const { name, description, access, toolNames, fingerprint } = agent
  const step = (entry: StepEntry) => toolCallStep(definitionOf(agent), tool, entry)
  return { name, description, access, toolNames, fingerprint, step }
}

/**
 * Returns the tool as the agent has it now; undefined if the agent has none with this name or has no model. A source is
 * asked for its tools.
 * @throws the error of a source that cannot be reached
 */
export async function toolOf(
  agent: Agent,
  name: string,
  { external }: Pick<Services, 'external'>,
): Promise<Tool | undefined> {
  const executing = agent instanceof AgentPool ? agent.lends : agent
  if (!(executing instanceof BaseLlmAgent)) return undefined
  const { tools, sources } = definitionOf(executing)
  const own = tools.get(name)
  if (own) return own
  for (const source of sources) {
    const opened = external.toolSources.open(source)
    const { tools: offered } = await opened.toolsOf((await opened.discover()).listed)
    const found = offered.find((tool) => tool.name === name)
    if (found) return found
  }
  return undefined
}

/**
 * Returns the arguments that a model sent.
 * @param answer a recorded answer of a model
 * @param position the number of the call among those of the answer, from 1
 * @returns undefined if the answer has no such call, or one whose arguments are not JSON
 */
export function recordedArguments(answer: Json | undefined, position: number): Json | undefined {
  const call = answer === undefined ? undefined : pendingCallsOf(answer as unknown as ModelAnswer)[position - 1]
  const read = call && argumentsOf(call)
  return read?.ok ? read.args : undefined
}

async function toolCallStep(definition: LlmDefinition, tool: string, entry: StepEntry): Promise<Outcome> {
  checkStepEntry(definition.name, entry)
  const report = new Report(entry.onSpent)
  const { args } = entry.input as { readonly args: Json }
  const call = { type: 'tool-call' as const, toolCallId: tool, toolName: tool, input: JSON.stringify(args) }
  const offer = await offerOf(definition, tool, entry)
  const thread = await Thread.open(entry)
  // Without texts, each argument carries all labels of the run.
  const run = { definition, entry, thread, offer, report, texts: new KnownTexts(), handles: undefined }
  const { lastProblem } = await executeCalls(run, 1, [call])
  if (lastProblem !== '') throw invalidInput(`The call of ${tool}`, lastProblem)
  const [called] = report.of().toolCalls
  if (!called?.success)
    throw failure('tool.failed', { tool, problem: String((called?.result as { readonly error?: Json })?.error) })
  return { kind: 'value', value: called.result, report: report.of() }
}

/** The tool alone, unless it is denied: no instructions are written and no notes are retrieved. */
async function offerOf(definition: LlmDefinition, name: string, entry: StepEntry): Promise<Offer> {
  const tool = deniedTo(definition, entry).has(name) ? undefined : (await allTools(definition, entry)).get(name)
  return {
    system: '',
    tools: new Map(tool ? [[name, tool]] : []),
    helpers: new Map(),
    declared: tool
      ? [{ type: 'function', name, description: tool.description, inputSchema: tool.parameters as never }]
      : [],
    responseFormat: undefined,
    tokens: 0,
    hides: false,
    maxResultTokens: undefined,
    hash: '',
  }
}
