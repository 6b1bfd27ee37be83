/** Agents: definitions, their steps, sessions, memory, factory and pool. */

export { AgentFactory } from './agent-factory.ts'
export { AgentPool, type Lease, type PoolOptions, type PoolStats } from './agent-pool.ts'
export * from './agent-port.ts'
export { agentsMigrations, agentsTables } from './agents-migrations.ts'
export { approvalDeed } from './answered.ts'
export { checkAnswer, createAsk, createQuestion } from './ask-question.ts'
export { createConversations } from './create-conversations.ts'
export { createMemories } from './create-memories.ts'
export { createToolRecords } from './create-tool-records.ts'
export { type AgentContext, type AgentMessage, type AgentOptions, accessOf, defineAgent } from './define-agent.ts'
export { EpisodicMemory, type EpisodicMemoryOptions, type Recalled } from './episodic-memory.ts'
export { guardedStep } from './guarded-step.ts'
export { embedOf, type Similarity } from './likeness.ts'
export { LlmAgent } from './llm-agent.ts'
export type {
  Instructions,
  InstructionsAbout,
  LlmAgentOptions,
  MemoryOptions,
  ModelSettings,
  ToolSelection,
} from './llm-definition.ts'
export type { FormerMemory, Memories, MemoryItem } from './memories-port.ts'
export { finish, goingOf, handOff, invoke, type Routed, type Target } from './outcomes.ts'
export {
  defineRemoteAgent,
  type RemoteAgentOptions,
  type RemoteAgentPort,
  type RemoteCall,
  type RemoteTask,
} from './remote-agent.ts'
export { createRepetitionGuard, type RepetitionLimits } from './repetition-guard.ts'
export type { AgentResult, Results } from './results.ts'
export * from './services-port.ts'
export {
  type Acting,
  type CallOptions,
  createSession,
  createSessions,
  Session,
  type SessionOptions,
  type SessionParts,
  type SessionPlace,
} from './session.ts'
export type { RunOutcome, SessionResult } from './session-result.ts'
export { SessionStream, type StreamPart } from './session-stream.ts'
export { createStepContext, type StepContextOptions, type StepHands } from './step-context.ts'
export { type AddOptions, episodicName, StoredEpisodicMemory, StoredMemory, workingName } from './stored-memory.ts'
export type { OpenQuestion } from './thread-store.ts'
export { type WorkingItem, WorkingMemory } from './working-memory.ts'
