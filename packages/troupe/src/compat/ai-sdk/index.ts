/** `troupe/compat/ai-sdk`: an agent of the AI SDK as one of ours. */
export type { ForeignCall, ForeignOptions } from '../foreign/foreign-agent.ts'
export { type AiSdkAgent, type AiSdkOptions, fromAiSdk } from './from-ai-sdk.ts'
