/**
 * Our tools and a user's in one handler: theirs keep their names, clashing ones of ours are called `troupe_…`. A denied
 * tool of theirs is neither offered nor called, and every call is an event.
 */
import { failure, type Json, jsonSchemaOf, nearest, parse, storeError } from '../../core/index.ts'
import { isTool, type Tool } from '../define-tool.ts'
import type { CallableTools } from './formats.ts'
import type { ToolHandler } from './tool-handler.ts'
import type { JsonObject } from './tool-spec.ts'

/** A tool of `defineTool`, or anything of its form. */
export interface OwnTool {
  readonly name?: string
  readonly description?: string
  readonly parameters?: JsonObject
  readonly inputSchema?: Tool['inputSchema']
  readonly execute: (input: never, call: never) => unknown
}

const open: JsonObject = { type: 'object', properties: {} }

/**
 * @param own by name, or a list of tools that know their names
 * @throws ValidationError for a tool that can't be called outside a step
 * @example const tools = mergeTools(support.tools, { search }); await tools.call('search', { q: 'glaze' })
 */
export function mergeTools(
  handler: ToolHandler,
  own: Readonly<Record<string, Tool | OwnTool>> | readonly (Tool | OwnTool)[],
): CallableTools {
  if (typeof handler?.toolNames !== 'function')
    throw failure('validation.failed', { what: 'The handler', problem: "it is not an agent's tools" })
  if (typeof own !== 'object' || own === null)
    throw failure('validation.failed', { what: 'The tools to merge', problem: 'they are neither a list nor an object' })
  const theirs = new Map<string, Tool | OwnTool>()
  const list = Array.isArray(own) ? own.map((tool: Tool | OwnTool) => [tool?.name, tool] as const) : Object.entries(own)
  for (const [name, tool] of list as readonly (readonly [string | undefined, Tool | OwnTool])[]) {
    const wrong = (problem: string) => failure('validation.failed', { what: `The tool ${String(name)}`, problem })
    if (typeof name !== 'string' || typeof tool?.execute !== 'function')
      throw wrong('it needs a name and a function execute')
    if (isTool(tool) && tool.effect === 'body') throw wrong('it uses ctx and so needs a step: give it to an agent')
    if (theirs.has(name)) throw wrong('there are two of this name')
    theirs.set(name, tool)
  }
  const clashes = (name: string) => theirs.has(name)
  const shownName = (name: string): string => (clashes(name) ? shownName(`troupe_${name}`) : name)
  const ours = new Map(handler.toolNames().map((name) => [shownName(name), name] as const))
  return {
    definitions: () => [
      ...[...theirs]
        .filter(([name]) => !handler.denies(name))
        .map(([name, tool]) => ({ name, description: tool.description ?? '', parameters: parametersOf(tool) })),
      ...handler.definitions().map((definition) => ({ ...definition, name: shownName(definition.name) })),
    ],
    async call(name, args = {}) {
      const tool = theirs.get(name)
      if (tool)
        return handler.observe(name, () => (handler.denies(name) ? denied(name, handler) : callOwn(name, tool, args)))
      const known = ours.get(name)
      if (known !== undefined) return handler.call(known, args)
      const like = nearest(String(name), [...theirs.keys(), ...ours.keys()])
      return {
        ...(await handler.call(name, args)),
        ...(like === undefined ? {} : { suggestion: `Did you mean ${like}?` }),
      }
    },
  }
}

const parametersOf = (tool: Tool | OwnTool): JsonObject =>
  tool.parameters ?? (tool.inputSchema && jsonSchemaOf(tool.inputSchema)) ?? open

async function denied(name: string, handler: ToolHandler): Promise<JsonObject> {
  const { code, hint } = failure('access.denied', { agent: handler.agent, action: name })
  return { success: false, error: `Access denied to tool: ${name}`, code, ...(hint ? { suggestion: hint } : {}) }
}

/** What it returns as it is; what it throws as a result that says so. */
async function callOwn(name: string, tool: Tool | OwnTool, args: unknown): Promise<unknown> {
  try {
    const input = tool.inputSchema ? await parse(tool.inputSchema, args, `The arguments of ${name}`) : args
    return await tool.execute(input as never, { signal: new AbortController().signal, key: name } as never)
  } catch (thrown) {
    const { code, message, hint } = storeError(thrown)
    const failed: Record<string, Json> = { success: false, error: message, code }
    return hint === undefined ? failed : { ...failed, suggestion: hint }
  }
}
