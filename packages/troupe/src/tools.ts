/** `troupe/tools`: the built-in tools in the formats of other frameworks, and the escaping and validation of text. */

export { file, image } from './core/index.ts'
export {
  escapeForPrompt,
  escapeHtml,
  escapeMarkdown,
  escapeTerminal,
  validators,
} from './security/index.ts'
export type * as Tools from './tool-types.ts'
export {
  buildSystemPrompt,
  builtInTools,
  mergeTools,
  ToolHandler,
  toAiSdk,
  toAnthropic,
  toLangChain,
  toLangGraph,
  toOpenAI,
} from './tools/index.ts'
