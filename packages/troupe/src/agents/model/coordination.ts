/** The coordination tools, with which a model routes the run. They are offered exactly as the topology permits. */
import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider'
import { isObject, type Json, jsonSchemaOf, nearest, type Schema } from '../../core/index.ts'
import type { Flow, Routing } from '../agent-port.ts'

export const coordinationNames = ['invoke_agent', 'hand_off', 'ask_user', 'finish'] as const
export type CoordinationName = (typeof coordinationNames)[number]
export const isCoordination = (name: string): name is CoordinationName =>
  (coordinationNames as readonly string[]).includes(name)

const object = (properties: Readonly<Record<string, unknown>>) => ({
  type: 'object' as const,
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const request = { type: 'string', description: 'The task, with everything that the agent needs to know.' }

/**
 * @param output the schema of the answer that `finish` takes; any text without one
 * @param isFormAsked whether the request already contains the schema for the text, so that it is not repeated
 * @param descriptions of the agents that may be named, where they have one: a model chooses by it
 */
export function coordinationTools(
  flow: Flow,
  output: Schema | undefined,
  isFormAsked = false,
  descriptions: ReadonlyMap<string, string> = new Map(),
): readonly LanguageModelV4FunctionTool[] {
  const withAgents = (description: string, names: readonly string[]) =>
    [
      description,
      ...names.flatMap((name) => (descriptions.get(name) ? [`- ${name}: ${descriptions.get(name)}`] : [])),
    ].join('\n')
  const tool = (name: CoordinationName, description: string, properties: Readonly<Record<string, unknown>>) =>
    ({ type: 'function', name, description, inputSchema: object(properties) }) as LanguageModelV4FunctionTool
  const tools: LanguageModelV4FunctionTool[] = []
  if (flow.invoke.length > 0) {
    const invocation = object({ agent_name: { type: 'string', enum: [...flow.invoke] }, request })
    const description = 'Lets other agents work, in parallel where you name several, and gives you their results.'
    tools.push(
      tool('invoke_agent', withAgents(description, flow.invoke), {
        invocations: { type: 'array', minItems: 1, items: invocation },
      }),
    )
  }
  if (flow.handOff.length > 0)
    tools.push(
      tool('hand_off', withAgents('Passes the work on to another agent for good.', flow.handOff), {
        agent_name: { type: 'string', enum: [...flow.handOff] },
        request,
      }),
    )
  if (flow.askUser)
    tools.push(
      tool('ask_user', 'Asks the person you work for, and waits for the answer.', { question: { type: 'string' } }),
    )
  // A text of the form ends the work by itself, unless it goes along to another agent.
  if (flow.finish && !(isFormAsked && flow.value !== 'along')) {
    const answer = isFormAsked
      ? { description: 'The answer, in the form that your text would have.' }
      : ((output && jsonSchemaOf(output)) ?? { type: 'string', description: 'The whole answer.' })
    tools.push(tool('finish', 'Ends the work with your answer.', { answer }))
  }
  return tools
}

export type Coordination =
  | { readonly kind: 'routing'; readonly routing: Routing }
  | { readonly kind: 'ask'; readonly question: string }
  | { readonly kind: 'wrong'; readonly problem: string; readonly suggestion?: string }

const wrong = (problem: string, suggestion?: string): Coordination => ({
  kind: 'wrong',
  problem,
  ...(suggestion === undefined ? {} : { suggestion }),
})

/** Reads a call of a coordination tool: its routing, its question, or its problem. */
export function readCoordination(name: CoordinationName, args: Json, flow: Flow): Coordination {
  if (!isObject(args)) return wrong('the arguments are not an object')
  if (name === 'finish')
    return args.answer === undefined
      ? wrong('answer is missing')
      : { kind: 'routing', routing: { kind: 'finish', value: args.answer } }
  if (name === 'ask_user')
    return typeof args.question === 'string' && args.question.trim() !== ''
      ? { kind: 'ask', question: args.question }
      : wrong('question must be a text')
  if (name === 'hand_off') {
    const target = readTarget(args, flow.handOff)
    return 'problem' in target
      ? wrong(target.problem, target.suggestion)
      : { kind: 'routing', routing: { kind: 'handOff', ...target } }
  }
  const list = invocationsOf(args)
  if (!Array.isArray(list) || list.length === 0)
    return wrong('invocations must be a list of at least one { agent_name, request }')
  const targets = []
  for (const item of list as readonly Json[]) {
    const target = readTarget(item, flow.invoke)
    if ('problem' in target) return wrong(target.problem, target.suggestion)
    targets.push(target)
  }
  return { kind: 'routing', routing: { kind: 'invoke', targets } }
}

/** The most frequent mistake of models is one invocation without the list around it; it is unambiguous, so it is accepted. */
const invocationsOf = (args: { readonly [key: string]: Json }): Json | undefined =>
  args.invocations ?? ('agent_name' in args ? [args] : undefined)

/** Returns the names of the agents that an accepted call of `invoke_agent` invoked, in its order. */
export function invokedAgents(input: unknown): readonly string[] {
  const list = isObject(input as Json) ? invocationsOf(input as { readonly [key: string]: Json }) : undefined
  return Array.isArray(list) ? list.map((item) => (item as { readonly agent_name: string }).agent_name) : []
}

function readTarget(
  value: Json,
  known: readonly string[],
): { readonly agent: string; readonly input: Json } | { readonly problem: string; readonly suggestion?: string } {
  if (!isObject(value) || typeof value.agent_name !== 'string') return { problem: 'agent_name must be a text' }
  const agent = value.agent_name
  if (!known.includes(agent)) {
    const near = nearest(agent, known)
    const problem = `no agent ${agent} can be reached from here; known are ${known.join(', ')}`
    return near === undefined ? { problem } : { problem, suggestion: `Did you mean ${near}?` }
  }
  return value.request === undefined ? { problem: 'request is missing' } : { agent, input: value.request }
}
