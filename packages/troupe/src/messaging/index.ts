/** Messages, mailboxes and lanes, workers and presence. */
export { bytes, replaceBytes } from './bytes.ts'
export { type MessagingConfig, type MessagingSettings, messagingSettings } from './config.ts'
export { KeptStateMachine, type KeptStateMachineOptions } from './kept-state-machine.ts'
export * from './mailbox-hands.ts'
export { createMailboxes, type Identity, Mailboxes, type MailboxesParts } from './mailboxes.ts'
export type { Message, Priority } from './message.ts'
export * from './message-hands.ts'
export { defineMessage, type MessageType, type MessageTypeOptions } from './message-type.ts'
export { messagingTables } from './messaging-tables.ts'
export { messagingMigrations } from './migrations.ts'
export { MessageConfirmed, MessageRefused } from './notices.ts'
export { type AgentDetail, createPresence, Presence, type PresenceParts } from './presence.ts'
export type { Lease } from './receiver.ts'
export type { Resource } from './resources.ts'
export { type StagedMessagesParts, stagedMessages } from './staged-messages.ts'
export {
  type HaltableWorker,
  type RunningWorker,
  type StartWorkerParts,
  startWorker,
  type WorkerWatch,
} from './start-worker.ts'
export { StateMachine, type StateMachineOptions } from './state-machine.ts'
export {
  type SuperviseChild,
  type SuperviseOptions,
  type SuperviseStrategy,
  superviseOptionNames,
} from './supervision/supervise-options.ts'
export type { ChildState, SuperviseParts, Supervision, SupervisionEnd } from './supervision/supervision.ts'
export { Supervisor } from './supervision/supervisor.ts'
export type { Transition, Transitions } from './transition-table.ts'
export {
  type BatchHandler,
  type BatchOptions,
  type Handler,
  type HandlerContext,
  type PresenceHandler,
  Worker,
  type WorkerOptions,
} from './worker.ts'
