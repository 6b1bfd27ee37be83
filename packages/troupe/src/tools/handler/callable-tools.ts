/**
 * Converts the tools of a handler to the formats of providers and frameworks, each with a `call` for its format of a
 * call.
 */
import { fieldOf, invalidInput, type Json } from '../../core/index.ts'
import type { ToolResult } from './execute-tool-call.ts'
import type { ToolHandler } from './tool-handler.ts'
import { isStrict, type JsonObject } from './tool-spec.ts'

/** Tools that can be offered to a model: a `ToolHandler`, or the result of `mergeTools`. */
export interface CallableTools {
  /** Returns the tools that may be called now. */
  definitions(): readonly {
    /** The name of the tool. */
    readonly name: string
    /** The description, which models read. */
    readonly description: string
    /** The JSON Schema of the arguments. */
    readonly parameters: JsonObject
  }[]
  /**
   * Calls a tool and returns its result. A failed call of a built-in tool returns `success: false` with `error` and
   * `code`.
   */
  call(name: string, args?: unknown): Promise<unknown>
  /** The name of the agent that acts. */
  readonly agent?: string
  /** Executes a function as a call of a tool, and emits `tool.called` for it. */
  observe?<R>(tool: string, run: () => Promise<R>): Promise<R>
}

/** A tool in the format of the OpenAI chat completions API. */
export interface OpenAiTool {
  readonly type: 'function'
  /** The definition of the tool. */
  readonly function: {
    /** The name of the tool. */
    readonly name: string
    /** The description, which models read. */
    readonly description: string
    /** The JSON Schema of the arguments. */
    readonly parameters: JsonObject
    /** True if the schema follows the rules of strict mode; always true for built-in tools. */
    readonly strict: boolean
  }
}
interface OpenAiFunctionCall {
  /** The name of the tool. */
  readonly name: string
  /** The arguments: JSON text, or an object. */
  readonly arguments?: unknown
}
/** A tool call of the chat completions API, or a function call of the responses API. */
export type OpenAiCall =
  | {
      /** The id of the call; not used. */
      readonly id?: string
      /** The kind of the call; not used. */
      readonly type?: string
      /** The name of the tool and its arguments, as JSON text or as an object. */
      readonly function: OpenAiFunctionCall
    }
  | (OpenAiFunctionCall & {
      /** The kind of the call; not used. */
      readonly type?: string
      /** The id of the call; not used. */
      readonly call_id?: string
      /** Absent in the responses API. */
      readonly function?: undefined
    })

type Results<H> = H extends ToolHandler ? ToolResult : Awaited<ReturnType<CallableTools['call']>>

async function invalidArguments(handler: CallableTools, tool: string): Promise<unknown> {
  // An unknown or denied tool is reported before its arguments.
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

/** @throws ValidationError for a value that has no tools, such as the handle of an agent in place of its tools */
function definitionsOf(handler: CallableTools) {
  if (typeof fieldOf(handler, 'definitions') === 'function') return handler.definitions()
  const problem = "it has no tools: pass an agent's tools, or what mergeTools gave"
  throw invalidInput('The handler', problem)
}

/** Arguments as text are parsed as JSON; an empty text means no arguments. */
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

/**
 * Returns the tools in the format of OpenAI, and a function `call` that executes a tool call of the model.
 * @example const { tools, call } = toOpenAI(support.tools); const result = await call(completion.tool_calls[0])
 */
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

/** A tool in the format of the Anthropic messages API. */
export interface AnthropicTool {
  /** The name of the tool. */
  readonly name: string
  /** The description, which models read. */
  readonly description: string
  /** The JSON Schema of the arguments. */
  readonly input_schema: JsonObject & { readonly type: 'object' }
}

/** Returns the tools in the format of Anthropic, and a function `call` that executes a `tool_use` block. */
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

/**
 * Returns a Standard Schema with the given JSON Schema that accepts every value. The handler checks the arguments,
 * because it returns mistakes as results.
 */
export const toolSchema = (parameters: JsonObject) => ({
  '~standard': {
    version: 1 as const,
    vendor: 'troupe',
    validate: (value: unknown) => ({ value: value as JsonObject }),
    jsonSchema: { input: () => structuredClone(parameters), output: () => structuredClone(parameters) },
  },
})

/**
 * Returns the tools in the form that `generateText` and `streamText` of the AI SDK accept, and a function `call` that
 * executes a tool call.
 */
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

/** The result of a tool of the application may be undefined, or not JSON. */
function textOf(result: unknown): string {
  try {
    return JSON.stringify(result) ?? 'null'
  } catch {
    return String(result)
  }
}

/**
 * Returns the tools as structured tools of LangChain, and a function `call` that executes a tool call. `invoke` accepts
 * the arguments or a tool call, and returns JSON text.
 */
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

/**
 * Returns the tools in the form of LangGraph nodes, and a function `call` that executes a tool call. `function` returns
 * JSON text.
 */
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
