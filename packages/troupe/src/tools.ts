/** `troupe/tools`: parts, skills and checks for agents, built-in tools in the formats of other frameworks, escaping of text. */

export { loadSkills, redactPersonalData } from './agents/index.ts'
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
  sandboxTools,
  ToolHandler,
  toAiSdk,
  toAnthropic,
  toLangChain,
  toLangGraph,
  toOpenAI,
  workspaceTools,
} from './tools/index.ts'
