/** Executes one call in the spelling of the guides by the tools of an agent's handle. */
import { isObject, type Json, TroupeError } from '../../core/index.ts'
import type { JsonObject, ToolResult, ToolHandler as Tools } from '../../tools/index.ts'
import { type SynthaResult, withAliases } from './syntha-result.ts'
import { type RawArguments, toolArguments } from './tool-arguments.ts'

export interface SynthaHandler {
  handle_tool_call(tool_name: string, rawArguments?: RawArguments): Promise<SynthaResult>
}

/**
 * The guides' `handle_tool_call` on an agent's handle: its role, lists and name are those of the handle.
 * @example
 * const sales = synthaHandler(ada.agent('Sales'))
 * const { success } = await sales.handle_tool_call('push_context', { key: 'deal', value: 'closed', topics: ['sales'] })
 */
export const synthaHandler = (agent: { readonly tools: Tools }): SynthaHandler => ({
  handle_tool_call: (tool_name, rawArguments = {}) => callSynthaTool(agent.tools, tool_name, rawArguments),
})

/** Calls a tool. Wrong arguments become a result, as in other tool handlers. */
export async function callSynthaTool(
  tools: Tools,
  tool_name: string,
  rawArguments: RawArguments,
): Promise<SynthaResult> {
  const tool = typeof tool_name === 'string' ? tool_name.replace(/^syntha_/, '') : tool_name
  // A model may have passed a value that is not an object of arguments.
  if (!isObject(rawArguments)) return withAliases(tool, {}, await tools.call(tool, rawArguments))
  const aliased = (result: ToolResult) => withAliases(tool, rawArguments as JsonObject, result)
  try {
    if (tool === 'batch_context_operation' && rawArguments.continue_on_error === false && rawArguments.atomic !== true)
      return aliased(await untilFailure(tools, rawArguments))
    const result = await tools.call(tool, toolArguments(tool, rawArguments))
    const confirmations = tool === 'get_messages_from_agents' && rawArguments.include_confirmations === false
    return aliased(confirmations ? withoutConfirmations(result) : result)
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    return aliased(failedToolResult(error))
  }
}

export function failedToolResult({ message, code, hint }: TroupeError): ToolResult {
  return { success: false, error: message, code, ...(hint === undefined ? {} : { suggestion: hint }) }
}

/** Executes a batch that stops at its first failure. Each operation is a separate batch. */
async function untilFailure(tools: Tools, rawArguments: RawArguments): Promise<ToolResult> {
  const { operations, ...rest } = toolArguments('batch_context_operation', rawArguments)
  if (!Array.isArray(operations) || operations.length === 0)
    return tools.call('batch_context_operation', { ...rest, operations })
  const results: JsonObject[] = []
  let last: ToolResult = { success: true }
  for (const [operation, one] of operations.entries()) {
    last = await tools.call('batch_context_operation', { ...rest, operations: [one] })
    const [outcome] = (last.results ?? []) as readonly JsonObject[]
    if (!outcome && results.length === 0) return last
    // The result has the operations before a failed one too.
    const { error, code } = last
    results.push({ ...(outcome ?? { success: false, error: error as Json, code: code as Json }), operation })
    if (!last.success) break
  }
  const done = results.filter(({ success }) => success === true).length
  return {
    ...last,
    ...(last.success ? {} : { error: `Operation ${done} failed: ${String(results.at(-1)?.error)}` }),
    total_operations: operations.length,
    successful_operations: done,
    failed_operations: results.length - done,
    atomic: false,
    results,
  }
}

function withoutConfirmations(result: ToolResult): ToolResult {
  if (!Array.isArray(result.messages)) return result
  const messages = (result.messages as readonly JsonObject[]).filter(({ type }) => type !== 'message.confirmed')
  return { ...result, messages, count: messages.length }
}
