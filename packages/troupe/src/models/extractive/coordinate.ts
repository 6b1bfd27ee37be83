/**
 * The tools with which an agent decides where its run continues. Plain text is preferred. A tool is called if the request
 * requires or names it, or if the task asks the agent to delegate and the agent has not delegated yet.
 */
import type { JSONObject, JSONValue, LanguageModelV4FunctionTool } from '@ai-sdk/provider'
import { itemOf, type JsonSchema } from './schema/json-schema.ts'
import { SchemaFiller } from './schema/schema-filler.ts'
import { composeText } from './text/compose-text.ts'
import type { Material } from './text/material.ts'

const names = ['finish', 'invoke_agent', 'hand_off', 'ask_user']

export function isCoordinationTool(name: string): boolean {
  return names.includes(name)
}

interface Call {
  readonly toolName: string
  readonly input: JSONObject
}

/**
 * @param required whether a tool must be called
 * @returns the call; undefined if the answer is plain text
 */
export async function coordinate(
  tools: readonly LanguageModelV4FunctionTool[],
  material: Material,
  required: boolean,
): Promise<Call | undefined> {
  const { steering } = material.task
  const offered = names.flatMap((name) => tools.filter((tool) => tool.name === name))
  const mentioned = offered.filter((tool) => new RegExp(`\\b${tool.name}\\b`).test(steering))
  const delegate = offered.find((tool) => tool.name === 'invoke_agent')
  if (delegate && wantsDelegation(material)) {
    const call = await callOf(delegate, material)
    if (call) return call
  }
  for (const tool of required ? offered : mentioned) {
    const call = await callOf(tool, material)
    if (call) return call
  }
  return undefined
}

const delegating =
  /\b(?:delegat(?:e|es|ing)|invoke|assign|dispatch|distribute|invoke_agent|your (?:team|researchers|agents|workers))\b/i

function wantsDelegation({ task }: Material): boolean {
  if (task.calls.some((call) => call.name === 'invoke_agent') || task.sources.length > 0) return false
  return delegating.test(task.question) || delegating.test(task.instructions)
}

async function callOf(tool: LanguageModelV4FunctionTool, material: Material): Promise<Call | undefined> {
  const input = await inputOf(tool, material)
  return input && { toolName: tool.name, input }
}

async function inputOf(tool: LanguageModelV4FunctionTool, material: Material): Promise<JSONObject | undefined> {
  const schema: JsonSchema = tool.inputSchema
  if (tool.name === 'finish') {
    const answer = await valueFor(typeof schema === 'boolean' ? undefined : schema.properties?.answer, material)
    return answer === undefined ? undefined : { answer }
  }
  if (tool.name === 'ask_user') return { question: material.task.question || 'What should be answered?' }
  const agents = agentsOf(tool, material)
  if (agents.length === 0) return undefined
  if (tool.name === 'hand_off') return { agent_name: agents[0] ?? '', request: composeText(material) }
  return {
    invocations: material.subQuestions.map((request, i) => ({ agent_name: agents[i % agents.length] ?? '', request })),
  }
}

async function valueFor(schema: JsonSchema | undefined, material: Material): Promise<JSONValue | undefined> {
  const text = composeText(material)
  if (schema === undefined || typeof schema === 'boolean' || schema.type === undefined || schema.type === 'string')
    return text
  const filled = await new SchemaFiller(schema, material).fill()
  return filled.ok ? filled.value : undefined
}

/** Returns the agents that the question names, else those that the instructions name, else all that may be named. */
function agentsOf(tool: LanguageModelV4FunctionTool, { task }: Material): string[] {
  const agents = namesIn(tool.inputSchema, 0)
  const spoken = [task.question, task.instructions].map((text) => agents.filter((name) => text.includes(name)))
  return spoken.find((some) => some.length > 0) ?? agents
}

function namesIn(schema: JsonSchema | undefined, depth: number): string[] {
  if (schema === undefined || typeof schema === 'boolean' || depth > 6) return []
  const own = schema.properties?.agent_name
  if (own !== undefined && typeof own !== 'boolean') {
    const options = (own.anyOf ?? own.oneOf ?? []).map((one) => (typeof one === 'boolean' ? undefined : one.const))
    return [...(own.enum ?? options), own.const].filter((one) => typeof one === 'string')
  }
  const inner = [...Object.values(schema.properties ?? {}), itemOf(schema), ...(schema.anyOf ?? [])]
  return inner.flatMap((one) => namesIn(one, depth + 1))
}
