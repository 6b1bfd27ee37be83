/** Agents: definitions, their steps, sessions, memory, factory and pool. */

export * from './agent-port.ts'
export { agentsMigrations, agentsTables } from './agents-migrations.ts'
export { AgentFactory } from './definitions/agent-factory.ts'
export { type AgentLease, AgentPool, type AgentPoolOptions, type AgentPoolStats } from './definitions/agent-pool.ts'
export { BaseLlmAgent, definitionOf } from './definitions/base-llm-agent.ts'
export {
  type AgentContext,
  type AgentMessage,
  type AgentOptions,
  checkAgentAccess,
  defineAgent,
} from './definitions/define-agent.ts'
export { type StepSpent, spentOfFailure, withSpent } from './definitions/failed-spending.ts'
export { type InstructionsFile, readInstructionsFile } from './definitions/instructions-file.ts'
export type {
  Instructions,
  InstructionsAbout,
  LlmAgentOptions,
  ModelSettings,
  SelectionKind,
  ToolSelection,
} from './definitions/llm-definition.ts'
export type { CompactionOptions, MemoryOptions, Summarise, SummaryRequest } from './definitions/memory-options.ts'
export {
  defineRemoteAgent,
  type RemoteAgentOptions,
  type RemoteAgentPort,
  type RemoteCall,
  type RemoteTask,
} from './definitions/remote-agent.ts'
export type { AgentResult, Results } from './definitions/results.ts'
export {
  editedRouting,
  finish,
  type HandOffOptions,
  handOff,
  invoke,
  type Routed,
  type Target,
} from './definitions/routing.ts'
export { type Voice, type VoiceAgents, type VoiceCall, voiceAgents } from './definitions/voice-agents.ts'
export type {
  Guardrail,
  GuardrailCheck,
  GuardrailContext,
  GuardrailFunction,
  GuardrailsOptions,
  GuardrailVerdict,
} from './guardrails/guardrail.ts'
export {
  type PersonalData,
  type RedactPersonalDataOptions,
  redactPersonalData,
} from './guardrails/redact-personal-data.ts'
export { createMemories } from './memory/create-memories.ts'
export { EpisodicIndex, type EpisodicIndexOptions, type RetrievedEpisode } from './memory/episodic-index.ts'
export type {
  FormerMemory,
  Memories,
  MemoryItem,
  NewMemory,
} from './memory/memories-port.ts'
export { embedOf, type Similarity } from './memory/similarity.ts'
export {
  type AddOptions,
  episodicName,
  factsName,
  StoredEpisodicMemory,
  StoredMemory,
  workingName,
} from './memory/stored-memory.ts'
export { type WorkingItem, WorkingMemory } from './memory/working-memory.ts'
export { answerText } from './model/content/model-messages.ts'
export { structuredText } from './model/content/structured-text.ts'
export { createThreadMessages } from './model/create-thread-messages.ts'
export { createToolRecords } from './model/create-tool-records.ts'
export { recordedArguments, toolCallAgent, toolOf } from './model/tool-call-agent.ts'
export * from './services-port.ts'
export { cancelOpenStep } from './session/cancel-open-step.ts'
export { commitAnswer } from './session/commit-answer.ts'
export { forgetThread } from './session/forget-thread.ts'
export { createSessions, Session } from './session/session.ts'
export type {
  Acting,
  SessionCallOptions,
  SessionOptions,
  SessionParts,
  SessionThread,
} from './session/session-parts.ts'
export type { RunOutcome, SessionOutput, SessionResult } from './session/session-result.ts'
export { SessionStream, type StreamPart } from './session/session-stream.ts'
export { type ShownMessage, shownMessages, type ThreadPart } from './session/shown-messages.ts'
export type { ThreadPartner } from './session/thread-statements.ts'
export {
  createThreadStore,
  holderOf,
  type SessionQuestion,
  type StoredThread,
  sessionId,
  type ThreadStore,
  threadKey,
  threadMessagesOf,
} from './session/thread-store.ts'
export {
  resolveInThread,
  sessionThreadOf,
  type UncertainEffectOfSession,
  uncertainFields,
  uncertainInThread,
  withRecords,
} from './session/uncertain-in-thread.ts'
export { loadProjectSkills, loadSkills } from './skills/load-skills.ts'
export type { Skill } from './skills/skill.ts'
export { approvalHash } from './step/approval.ts'
export { approvalAuditEntry } from './step/approval-audit-entry.ts'
export { createQuestion, recordedAsk } from './step/ask-question.ts'
export { buildStepContext, type StepClients, type StepContextOptions } from './step/build-step-context.ts'
export { guardedStep } from './step/guarded-step.ts'
export { createRepetitionGuard, type RepetitionLimits } from './step/repetition-guard.ts'
export { encodeTurn, stepOfRun, taintOfMessages, threadHistory } from './step/thread-step.ts'
