/** The built-in tools of one agent, their formats, and what an agent sees as a prompt. */

export { buildSystemPrompt, type SystemPromptOptions } from './build-system-prompt.ts'
export { builtInTools } from './built-in-tools.ts'
export type { OwnTool } from './call-own-tool.ts'
export {
  type AnthropicTool,
  type CallableTools,
  type OpenAiCall,
  type OpenAiTool,
  toAiSdk,
  toAnthropic,
  toLangChain,
  toLangGraph,
  toOpenAI,
} from './callable-tools.ts'
export { knownRetryAfter, type ToolResult } from './execute-tool-call.ts'
export { mergeTools } from './merge-tools.ts'
export { type ToolAccessSummary, ToolHandler, type ToolHandlerParts } from './tool-handler.ts'
export type {
  JsonObject,
  ToolDefinition,
} from './tool-spec.ts'
export { UnreadResults } from './unread-results.ts'
