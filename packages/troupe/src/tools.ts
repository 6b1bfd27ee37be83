/** `troupe/tools`: parts, skills and checks for agents, built-in tools in the formats of other frameworks, escaping of text. */

export {
  loadSkills,
  redactPersonalData,
  type Voice,
  type VoiceAgents,
  type VoiceCall,
  voiceAgents,
} from './agents/index.ts'
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
  type Browser,
  type BrowserAction,
  type BrowserPage,
  browserTools,
  buildSystemPrompt,
  builtInTools,
  type Computer,
  type ComputerAction,
  computerTools,
  type DeviceCall,
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
