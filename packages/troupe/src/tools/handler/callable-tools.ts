/** The tools of a handler in the shapes that providers and frameworks take, each with `call` for their shape of a call. */
import { failure, fieldOf, type Json } from '../../core/index.ts'
import type { ToolResult } from './execute-tool-call.ts'
import type { ToolHandler } from './tool-handler.ts'
import { isStrict, type JsonObject } from './tool-spec.ts'

/** What can be offered in a format: our handler, or one merged with users' tools. */
export interface CallableTools {
  definitions(): readonly { readonly name: string; readonly description: string; readonly parameters: JsonObject }[]
  call(name: string, args?: unknown): Promise<unknown>
  /** Whose they are. */
  readonly agent?: string
  /** Tells of a call that cannot be carried out, as of every other. */
  observe?<R>(tool: string, run: () => Promise<R>): Promise<R>
}

export interface OpenAiTool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description: string
    readonly parameters: JsonObject
    /** True for ours, and for those of users whose schemas keep the rules of strict mode. */
    readonly strict: boolean
  }
}
interface OpenAiFunctionCall {
  readonly name: string
  readonly arguments?: unknown
}
/** Of the chat completions, or as the responses API has it. */
export type OpenAiCall =
  | { readonly id?: string; readonly type?: string; readonly function: OpenAiFunctionCall }
  | (OpenAiFunctionCall & { readonly type?: string; readonly call_id?: string; readonly function?: undefined })

type Results<H> = H extends ToolHandler ? ToolResult : Awaited<ReturnType<CallableTools['call']>>

async function invalidArguments(handler: CallableTools, tool: string): Promise<unknown> {
  // Of a tool that is not there, or not for this agent, that is what has to be told.
  if (!definitionsOf(handler).some(({ name }) => name === tool)) return handler.call(tool, {})
  const { agent } = handler
  const produce = async (): Promise<ToolResult> => ({
    success: false,
    error: `The arguments of ${tool} are not JSON.`,
    code: 'tool.arguments',
    tool,
    ...(agent === undefined ? {} : { agent }),
    suggestion: 'Write the arguments as one JSON object.',
  })
  return handler.observe ? handler.observe(tool, produce) : produce()
}

/** @throws ValidationError for what has no tools, an agent's handle in place of its tools for one */
function definitionsOf(handler: CallableTools) {
  if (typeof fieldOf(handler, 'definitions') === 'function') return handler.definitions()
  const problem = "it has no tools: pass an agent's tools, or what mergeTools gave"
  throw failure('validation.failed', { what: 'The handler', problem })
}

/** Arguments as text are JSON; no text at all is no arguments. A call of another shape names no tool, and is told so. */
async function callWith(handler: CallableTools, name: string, args: unknown): Promise<unknown> {
  if (typeof args !== 'string') return handler.call(name, args ?? {})
  if (args.trim() === '') return handler.call(name, {})
  let parsed: Json
  try {
    parsed = JSON.parse(args) as Json
  } catch {
    return invalidArguments(handler, name)
  }
  return handler.call(name, parsed)
}

/** @example const { tools, call } = toOpenAI(support.tools); const result = await call(completion.tool_calls[0]) */
export function toOpenAI<H extends CallableTools>(handler: H) {
  return {
    tools: definitionsOf(handler).map(
      ({ name, description, parameters }): OpenAiTool => ({
        type: 'function',
        function: { name, description, parameters, strict: isStrict(parameters) },
      }),
    ),
    call: (call: OpenAiCall) => {
      const { name, arguments: args } = call?.function ?? ((call ?? {}) as OpenAiFunctionCall)
      return callWith(handler, name, args) as Promise<Results<H>>
    },
  }
}

export interface AnthropicTool {
  readonly name: string
  readonly description: string
  readonly input_schema: JsonObject & { readonly type: 'object' }
}

/** `call` takes a `tool_use` block. */
export function toAnthropic<H extends CallableTools>(handler: H) {
  return {
    tools: definitionsOf(handler).map(
      ({ name, description, parameters }): AnthropicTool => ({
        name,
        description,
        input_schema: { ...parameters, type: 'object' },
      }),
    ),
    call: (call: {
      readonly type?: 'tool_use'
      readonly id?: string
      readonly name: string
      readonly input?: unknown
    }) => callWith(handler, call?.name, call?.input) as Promise<Results<H>>,
  }
}

/** A Standard Schema that tells its JSON Schema and leaves the judgement to the handler, whose mistakes are results. */
export const toolSchema = (parameters: JsonObject) => ({
  '~standard': {
    version: 1 as const,
    vendor: 'troupe',
    validate: (value: unknown) => ({ value: value as JsonObject }),
    jsonSchema: { input: () => structuredClone(parameters), output: () => structuredClone(parameters) },
  },
})

/** `tools` is the record that `generateText` and `streamText` of the AI SDK take. */
export function toAiSdk<H extends CallableTools>(handler: H) {
  const tools = definitionsOf(handler).map(({ name, description, parameters }) => {
    const execute = (input: unknown) => callWith(handler, name, input) as Promise<Results<H>>
    return [name, { description, inputSchema: toolSchema(parameters), execute }] as const
  })
  return {
    tools: Object.fromEntries(tools),
    call: (call: { readonly toolName: string; readonly input?: unknown; readonly args?: unknown }) =>
      callWith(handler, call?.toolName, call?.input ?? call?.args) as Promise<Results<H>>,
  }
}

/** What a function of a user's own returned may be nothing, or no JSON at all. */
function textOf(result: unknown): string {
  try {
    return JSON.stringify(result) ?? 'null'
  } catch {
    return String(result)
  }
}

/** Structured tools of LangChain: `invoke` takes the arguments or a tool call, and answers with JSON text. */
export function toLangChain<H extends CallableTools>(handler: H) {
  const run = (name: string, args: unknown) => callWith(handler, name, args) as Promise<Results<H>>
  const text = async (name: string, input: unknown) => {
    const call = input as { readonly type?: unknown; readonly args?: unknown } | null
    return textOf(await run(name, call?.type === 'tool_call' ? call.args : input))
  }
  return {
    tools: definitionsOf(handler).map(({ name, description, parameters }) => ({
      name,
      description,
      schema: parameters,
      invoke: (input: unknown) => text(name, input),
      func: (input: unknown) => text(name, input),
    })),
    call: (call: { readonly name: string; readonly args?: unknown; readonly id?: string }) =>
      run(call?.name, call?.args),
  }
}

/** The tools of LangGraph's nodes: `function` answers with JSON text. */
export function toLangGraph<H extends CallableTools>(handler: H) {
  const { tools, call } = toLangChain(handler)
  return {
    tools: tools.map(({ name, description, schema, invoke }) => ({
      name,
      description,
      parameters: schema,
      function: invoke,
      invoke,
    })),
    call,
  }
}
