/**
 * Merges the built-in tools with tools of the application. Those keep their names; a built-in tool with the same name
 * is called `troupe_…`. A denied tool is neither offered nor called, and every call emits `tool.called`.
 */
import { failure, fieldOf, invalidInput, isPlainObject, jsonSchemaOf, show } from '../../core/index.ts'
import { isTool, type Tool } from '../define-tool.ts'
import { objectSchema } from '../object-schema.ts'
import { callOwnTool, type OwnTool } from './call-own-tool.ts'
import type { CallableTools } from './callable-tools.ts'
import type { ToolHandler } from './tool-handler.ts'
import type { JsonObject } from './tool-spec.ts'

const open: JsonObject = { type: 'object', properties: {} }

/**
 * Merges the built-in tools of an agent with tools of the application.
 * @param own the tools by their names, or a list of tools with names
 * @throws ValidationError for a tool that cannot be called outside a step, and for a name that is used twice
 * @example const tools = mergeTools(support.tools, { search }); await tools.call('search', { q: 'glaze' })
 */
export function mergeTools(
  handler: ToolHandler,
  own: Readonly<Record<string, Tool | OwnTool>> | readonly (Tool | OwnTool)[],
): CallableTools {
  if (typeof fieldOf(handler, 'toolNames') !== 'function')
    throw invalidInput('The handler', "it is not an agent's tools")
  if (!Array.isArray(own) && !isPlainObject(own))
    throw invalidInput('The tools to merge', 'they are neither a list nor an object')
  const theirs = new Map<string, Tool | OwnTool>()
  const list = Array.isArray(own) ? own.map((tool: Tool | OwnTool) => [tool?.name, tool] as const) : Object.entries(own)
  for (const [name, tool] of list as readonly (readonly [string | undefined, Tool | OwnTool])[]) {
    const wrong = (problem: string) => invalidInput(`The tool ${show(name)}`, problem)
    if (typeof name !== 'string' || typeof fieldOf(tool, 'execute') !== 'function')
      throw wrong('it needs a name and a function execute')
    if (isTool(tool) && tool.effect === 'durable') throw wrong('it uses ctx and so needs a step: give it to an agent')
    if (isTool(tool) && tool.needsApproval === true)
      throw wrong('a person must approve each call, which only a step can ask for: give it to an agent')
    if (theirs.has(name)) throw wrong('two tools have this name')
    theirs.set(name, tool)
  }
  const clashes = (name: string) => theirs.has(name)
  const shownName = (name: string): string => (clashes(name) ? shownName(`troupe_${name}`) : name)
  const ours = new Map(handler.toolNames().map((name) => [shownName(name), name] as const))
  const available = () => [
    ...[...theirs.keys()].filter((name) => !handler.denies(name)),
    ...handler.accessSummary().available.map(shownName),
  ]
  return {
    agent: handler.agent,
    observe: (name, run) => handler.observe(name, run),
    definitions: () => [
      ...[...theirs]
        .filter(([name]) => !handler.denies(name))
        .map(([name, tool]) => ({ name, description: tool.description ?? '', parameters: parametersOf(tool) })),
      ...handler.definitions().map((definition) => ({ ...definition, name: shownName(definition.name) })),
    ],
    async call(name, args = {}) {
      const tool = theirs.get(name)
      if (tool) {
        const called = () =>
          handler.denies(name) ? denied(name, handler.agent, available()) : callOwnTool(handler.host, name, tool, args)
        return handler.observe(name, called, isTool(tool) && tool.needsApproval !== false)
      }
      return handler.callAmong(available, ours.get(name) ?? name, args)
    },
  }
}

function parametersOf(tool: Tool | OwnTool): JsonObject {
  const schema = tool.parameters ?? (tool.inputSchema && jsonSchemaOf(tool.inputSchema))
  return structuredClone((schema && objectSchema(schema)) ?? open)
}

async function denied(tool: string, agent: string, available_tools: readonly string[]): Promise<JsonObject> {
  const { code, hint } = failure('access.denied', { agent, action: tool })
  const denial = { success: false, error: `Access denied to tool: ${tool}`, code, tool, agent, available_tools }
  return hint === undefined ? denial : { ...denial, suggestion: hint }
}
