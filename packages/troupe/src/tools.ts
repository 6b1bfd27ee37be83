/** `troupe/tools`: tools, skills and checks for agents, formats of other frameworks, escaping and validation of text. */
export { loadSkills, redactPersonalData } from './agents/index.ts'
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
