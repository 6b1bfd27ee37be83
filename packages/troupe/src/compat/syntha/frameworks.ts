/** The tools of one agent in the shapes of frameworks, under the names of Syntha's adapters. */
import { checkText, invalidInput, listOf, nearest, show } from '../../core/index.ts'
import type { AgentHandle } from '../../startup/index.ts'
import { toAiSdk, toAnthropic, toLangChain, toLangGraph, toOpenAI } from '../../tools/index.ts'
import { callSynthaTool } from './syntha-handler.ts'
import type { SynthaResult } from './syntha-result.ts'
import type { RawArguments } from './tool-arguments.ts'
import { unsupported } from './unsupported.ts'

export type Framework = 'openai' | 'anthropic' | 'ai-sdk' | 'langchain' | 'langgraph'
const formats = {
  openai: (tools: AgentHandle['tools']) => toOpenAI(tools).tools,
  anthropic: (tools: AgentHandle['tools']) => toAnthropic(tools).tools,
  'ai-sdk': (tools: AgentHandle['tools']) => toAiSdk(tools).tools,
  langchain: (tools: AgentHandle['tools']) => toLangChain(tools).tools,
  langgraph: (tools: AgentHandle['tools']) => toLangGraph(tools).tools,
}

/** @throws ValidationError for a framework that is none of these */
export function frameworkOf(name: string): Framework {
  const wanted = checkText('The framework', name).slice(0, 100).toLowerCase()
  if (Object.hasOwn(formats, wanted)) return wanted as Framework
  if (wanted === 'agno')
    throw unsupported('The framework agno', 'it is a framework of Python; offer its tools over MCP')
  const known = Object.keys(formats)
  throw invalidInput(
    `The framework ${show(name)}`,
    `it is not one of ${known.join(', ')}${nearest(wanted, known) ? `; did you mean ${nearest(wanted, known)}?` : ''}`,
  )
}

export const toolsFor = <F extends Framework>(framework: F, { tools }: AgentHandle) =>
  formats[framework](tools) as ReturnType<(typeof formats)[F]>

export type FrameworkHandler = (tool_name: string, rawArguments?: RawArguments | string) => Promise<SynthaResult>

/** Takes the name and the arguments, as an object or as the JSON text that models write. */
export const handlerFor =
  ({ tools }: AgentHandle): FrameworkHandler =>
  async (tool_name, rawArguments = {}) => {
    if (typeof rawArguments !== 'string') return callSynthaTool(tools, tool_name, rawArguments)
    try {
      return await callSynthaTool(tools, tool_name, JSON.parse(rawArguments || '{}') as RawArguments)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return {
        success: false,
        error: `Function call error: the arguments of ${tool_name} are not JSON.`,
        code: 'tool.arguments',
        function_name: tool_name,
      }
    }
  }

export interface Integration {
  readonly framework: Framework
  readonly tools: readonly unknown[]
  readonly syntha_tools: readonly unknown[]
  readonly existing_tools: readonly unknown[]
  readonly total_tools: number
  readonly syntha_tool_count: number
  readonly existing_tool_count: number
  readonly handler: FrameworkHandler
}

export function createIntegration(
  framework: Framework,
  handle: AgentHandle,
  existing_tools: readonly unknown[],
): Integration {
  listOf('existing_tools', existing_tools)
  const made: unknown = toolsFor(framework, handle)
  const syntha_tools: readonly unknown[] = Array.isArray(made) ? made : Object.values(made as object)
  const tools = [...syntha_tools, ...existing_tools]
  return {
    framework,
    tools,
    syntha_tools,
    existing_tools,
    total_tools: tools.length,
    syntha_tool_count: syntha_tools.length,
    existing_tool_count: existing_tools.length,
    handler: handlerFor(handle),
  }
}
