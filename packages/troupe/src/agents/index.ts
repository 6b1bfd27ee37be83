/** Agents: definitions, their steps, sessions, memory, factory and pool. */

export { AgentFactory } from './agent-factory.ts'
export { AgentPool, type Lease, type PoolOptions, type PoolStats } from './agent-pool.ts'
export * from './agent-port.ts'
export { agentsMigrations } from './agents-migrations.ts'
export { checkAnswer, createAsk, createQuestion } from './ask-question.ts'
export { createConversations } from './create-conversations.ts'
export { type AgentMessage, type AgentOptions, defineAgent } from './define-agent.ts'
export { EpisodicMemory, type Recalled } from './episodic-memory.ts'
export { LlmAgent } from './llm-agent.ts'
export type {
  Instructions,
  InstructionsAbout,
  LlmAgentOptions,
  MemoryOptions,
  ModelSettings,
  ToolSelection,
} from './llm-definition.ts'
export { finish, goingOf, handOff, invoke, type Routed, type Target } from './outcomes.ts'
export { createRepetitionGuard, type RepetitionLimits } from './repetition-guard.ts'
export * from './services-port.ts'
export {
  type Acting,
  type CallOptions,
  createSession,
  createSessions,
  type RunOutcome,
  Session,
  type SessionOptions,
  type SessionParts,
  type SessionPlace,
  type SessionResult,
} from './session.ts'
export { SessionStream, type StreamPart } from './session-stream.ts'
export { createStepContext, type StepContextOptions, type StepHands } from './step-context.ts'
export type { OpenQuestion } from './thread-store.ts'
export { type WorkingItem, WorkingMemory } from './working-memory.ts'
