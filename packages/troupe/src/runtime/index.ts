/** A troupe, put together. */

export type { AgentHandle } from './agent-handle.ts'
export { AgentPool } from './agent-pool.ts'
export type { TroupeConfig } from './config.ts'
export { createTroupe } from './create-troupe.ts'
export { LlmAgent } from './llm-agent.ts'
export { LoadTester } from './load-tester.ts'
export type { Troupe } from './troupe.ts'
export type { User } from './user.ts'
