/** `troupe/compat/openai-agents`: an agent of the OpenAI Agents SDK as one of ours. */
export type { ForeignCall, ForeignOptions } from '../foreign/foreign-agent.ts'
export { fromOpenAiAgents, type OpenAiAgent, type OpenAiAgentsOptions, type OpenAiRun } from './from-openai-agents.ts'
