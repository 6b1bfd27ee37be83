/**
 * Decides whether to call a tool, which tool and with which arguments. A tool is called if the task has no answer, the
 * prompt has its arguments, and the same call was not made before. The number of calls is bounded.
 */
import type { JSONObject, JSONValue, LanguageModelV4FunctionTool, LanguageModelV4ToolChoice } from '@ai-sdk/provider'
import { termsOf } from '../../documents/index.ts'
import { coordinate, isCoordinationTool } from './coordinate.ts'
import { fillArguments } from './schema/fill-arguments.ts'
import { originNames } from './text/compose-text.ts'
import type { Material } from './text/material.ts'

export interface ChosenCall {
  readonly toolName: string
  readonly input: JSONObject
}

/** The maximal number of tool calls for one question: of all tools, and of one tool. */
const limits = { calls: 6, perTool: 3 }

/**
 * @returns the call to make, `none` if plain text is the answer, or `impossible` if a call is required and the prompt
 * has the arguments of no tool
 */
export async function chooseTool(
  tools: readonly LanguageModelV4FunctionTool[],
  choice: LanguageModelV4ToolChoice,
  material: Material,
): Promise<ChosenCall | 'none' | 'impossible'> {
  if (choice.type === 'none' || tools.length === 0)
    return choice.type === 'required' || choice.type === 'tool' ? 'impossible' : 'none'
  if (choice.type === 'tool') {
    const tool = tools.find((one) => one.name === choice.toolName)
    return (tool && (await callOf(tool, material, true))) ?? 'impossible'
  }
  const required = choice.type === 'required'
  const call = needed(material) ? await bestOf(tools, material, required) : undefined
  if (call) return call
  const coordination = await coordinate(tools, material, required)
  if (coordination) return coordination
  if (!required) return 'none'
  return (await bestOf(tools, material, true)) ?? 'impossible'
}

/** Returns whether the texts of the user and of tools do not answer yet. System messages do not count. */
function needed({ task, quotes, intent }: Material): boolean {
  if (task.calls.length >= limits.calls) return false
  // A tool that returns ranked passages has answered, even if all are near misses: other words find worse ones.
  if (task.quotations.length > 0) return false
  return intent === 'answer' && (quotes.length === 0 || task.sources.length === 0)
}

async function bestOf(
  tools: readonly LanguageModelV4FunctionTool[],
  material: Material,
  any: boolean,
): Promise<ChosenCall | undefined> {
  const ranked = tools
    .filter((tool) => !isCoordinationTool(tool.name))
    .map((tool, order) => ({ tool, order, fitness: fitnessOf(tool, material) }))
    .filter((one) => any || one.fitness > 0)
    .sort((a, b) => b.fitness - a.fitness || a.order - b.order)
  for (const { tool } of ranked) {
    const call = await callOf(tool, material, false)
    if (call) return call
  }
  return undefined
}

async function callOf(
  tool: LanguageModelV4FunctionTool,
  material: Material,
  forced: boolean,
): Promise<ChosenCall | undefined> {
  if (isCoordinationTool(tool.name)) return coordinate([tool], material, true)
  const before = material.task.calls.filter((call) => call.name === tool.name)
  if (!forced && before.length >= limits.perTool) return undefined
  const input = fillArguments(
    tool.inputSchema,
    material,
    before.map((call) => call.input),
  )
  if (!input) return undefined
  const repeated = material.task.calls.some((call) => call.name === tool.name && sameJson(call.input, input))
  return repeated ? undefined : { toolName: tool.name, input }
}

function sameJson(made: unknown, input: JSONValue): boolean {
  const value = typeof made === 'string' ? made : JSON.stringify(made, sorted)
  return value === JSON.stringify(input, sorted) || value === JSON.stringify(input)
}

function sorted(_key: string, value: unknown): unknown {
  if (!value || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const searching = /search|find|quer(?:y|ies)|look_?up|retriev/i
const reading = /read|get|fetch|open|list|load|show|view|recall/i
const changing =
  /^(?:delete|remove|drop|write|create|update|set|push|put|post|send|publish|broadcast|cancel|pay|buy|order|place|book|approve|execute|run|subscribe|unsubscribe|clear|move|rename|add)$/i

/**
 * Rates how likely a tool helps: first the tools that search, then those that read, then those whose name occurs in the
 * question.
 */
function fitnessOf(tool: LanguageModelV4FunctionTool, { task, keywords }: Material): number {
  const found = task.records.some((record) => originNames.some((name) => typeof record[name] === 'string'))
  const words = tool.name.replace(/([a-z])([A-Z])/g, '$1_$2').split(/[_\W]+/)
  const asked = new Set(termsOf(task.question))
  const verb = words.find((one) => changing.test(one))
  // A tool with outside effects is called only if the question asks for it.
  if (verb && !termsOf(verb).some((term) => asked.has(term))) return 0
  const named = termsOf(words.join(' ')).filter((term) => asked.has(term)).length
  const described = termsOf(tool.description ?? '').filter((term) => asked.has(term)).length / (keywords.length + 1)
  if (searching.test(tool.name)) return 10 + named + described
  // A document that a search has named is read before the next search.
  if (reading.test(tool.name)) return (found ? 15 : 5) + named + described
  if (named > 0) return named + described
  return searching.test(tool.description ?? '') ? 1 + described : 0
}
