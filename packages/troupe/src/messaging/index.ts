/** Messages, mailboxes and lanes, workers and presence. */
export { bytesSchema, replaceBytes } from './bytes-schema.ts'
export * from './mailbox.ts'
export { type Identity, Mailboxes, type MailboxesParts } from './mailboxes.ts'
export type { Message, Priority } from './message.ts'
export * from './message-client.ts'
export {
  checkMessageType,
  defineMessage,
  type MessageType,
  type MessageTypeOptions,
  type PayloadOf,
  type ReplyOf,
} from './message-type.ts'
export { type MessagingConfig, type MessagingSettings, messagingSettings } from './messaging-config.ts'
export { messagingMigrations } from './messaging-migrations.ts'
export { messagingTables } from './messaging-tables.ts'
export type { PreviousEffects } from './receiving/previous-attempts.ts'
export type { DeliveryLease } from './receiving/receiver.ts'
export { MessageConfirmed, MessageRejected } from './sending/message-confirmed.ts'
export {
  type SuperviseChild,
  type SuperviseOptions,
  type SuperviseStrategy,
  superviseOptionNames,
} from './supervision/supervise-options.ts'
export type { ChildState, SuperviseParts, Supervision, SupervisionEnd } from './supervision/supervision.ts'
export { Supervisor } from './supervision/supervisor.ts'
export { DurableStateMachine, type DurableStateMachineOptions } from './workers/machines/durable-state-machine.ts'
export { StateMachine, type StateMachineOptions } from './workers/machines/state-machine.ts'
export type { Transition, Transitions } from './workers/machines/transition-table.ts'
export { type AgentDetail, Presence, type PresenceParts } from './workers/presence.ts'
export type { HaltableWorker, RunningWorker, WorkerWatch } from './workers/running-worker.ts'
export { type StartWorkerParts, startWorker, type WorkerContextOf } from './workers/start-worker.ts'
export {
  type BatchHandler,
  type BatchOptions,
  type FailureDetails,
  type Handler,
  type HandlerContext,
  type PresenceHandler,
  Worker,
  type WorkerOptions,
} from './workers/worker.ts'
export type { Resource } from './workers/worker-resources.ts'
