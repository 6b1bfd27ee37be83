/** The namespace `Tools`: types that signatures of tools and of their formats name. */
export type {
  EffectCall,
  OutsideFunction,
  Reconciled,
  RecordedEffect,
} from './journal/index.ts'
export type {
  BuiltInTool,
  EmailOptions as EmailRules,
  NumberOptions as NumberRules,
  TextOptions as TextRules,
  ToolPolicyRule,
  UrlOptions as UrlRules,
} from './security/index.ts'
export type {
  AnthropicTool,
  CallableTools,
  Declassification,
  DurableToolCall,
  DurableToolOptions,
  EffectToolOptions,
  JsonObject,
  OpenAiCall,
  OpenAiTool,
  OwnTool,
  SystemPromptOptions,
  ToolAccessSummary,
  ToolDefinition,
  ToolEffect,
  ToolSource,
} from './tools/index.ts'
