/**
 * `troupe`: what an application needs to define agents and to run them. A type that appears only in a signature is in
 * one of the namespaces: `Messages.BroadcastOptions`.
 */
export type * as Agents from './agent-types.ts'
export {
  type Agent,
  AgentFactory,
  type AgentOptions,
  AgentPool,
  type AgentResult,
  type ChildRun,
  type ChildRunSpec,
  defineAgent,
  defineRemoteAgent,
  finish,
  handOff,
  invoke,
  type LlmAgentOptions,
  type ModelSettings,
  type Outcome,
  type Question,
  type Results,
  Session,
  type StepContext,
  WorkingMemory,
} from './agents/index.ts'
export type * as Config from './config-types.ts'
export { defineConfig, loadConfig, postgresFromEnvironment, type TroupeConfig } from './configuration/index.ts'
export {
  type Audience,
  type ContextClient,
  ContextMesh,
  defineKey,
  type Entry,
  type Key,
} from './context/index.ts'
export type * as Context from './context-types.ts'
export {
  AccessDeniedError,
  AgentError,
  BudgetExceededError,
  CancelledError,
  CapacityError,
  CircuitOpenError,
  type Clock,
  ConflictError,
  CriticalError,
  type Duration,
  type ErrorCode,
  type EventName,
  type EventPattern,
  type EventPayloads,
  ExternalServiceError,
  eventNames,
  InvalidTransitionError,
  type Json,
  type JsonInput,
  LeaseLostError,
  MaxRetriesExceededError,
  NotFoundError,
  type Observer,
  type Page,
  ProcessingError,
  type Random,
  RateLimitError,
  RecoverableError,
  type Schema,
  type StoredError,
  TimeoutError,
  TroupeError,
  type TroupeErrorOptions,
  type TroupeEvent,
  ValidationError,
} from './core/index.ts'
export type { EffectClass, EffectSpec } from './journal/index.ts'
export type * as Messages from './message-types.ts'
export {
  bytesSchema,
  type DeadLetter,
  type Delivery,
  defineMessage,
  type Handler as MessageHandler,
  type HandlerContext,
  type Mailbox,
  type Message,
  type MessageClient,
  MessageConfirmed,
  MessageRejected,
  type MessageType,
  type Priority,
  type SentMessage,
  StateMachine,
  Worker,
} from './messaging/index.ts'
export type * as Runs from './run-types.ts'
export {
  Orchestra,
  Run,
  type RunEvent,
  type RunQuestion,
  type RunResult,
  type Schedule,
  type ScheduleSpec,
  Schedules,
  type StartSpec,
} from './runs/index.ts'
export { secretRef } from './security/index.ts'
export {
  type AgentHandle,
  AnswerQuestion,
  createTroupe,
  EpisodicMemory,
  handleSignals,
  LlmAgent,
  type Troupe,
  type User,
} from './startup/index.ts'
export type * as Tools from './tool-types.ts'
export {
  defineTool,
  type Tool,
  type ToolCall,
  ToolHandler,
  type ToolOptions,
  type ToolResult,
} from './tools/index.ts'
export {
  type CompiledTopology,
  defineTopology,
  type Finding,
  patterns,
  type RunConfig,
  type TopologyForm,
} from './topology/index.ts'
