/** The built-in tools of one agent, their formats, and what an agent sees as a prompt. */
export * from './formats.ts'
export { mergeTools, type OwnTool } from './merge-tools.ts'
export { buildSystemPrompt, type SystemPromptOptions } from './system-prompt.ts'
export { type ToolAccessSummary, ToolHandler, type ToolHandlerParts, type ToolResult } from './tool-handler.ts'
export type { JsonObject, ToolDefinition } from './tool-spec.ts'
