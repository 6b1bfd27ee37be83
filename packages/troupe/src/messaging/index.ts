/** Messages, mailboxes and lanes, workers and presence. */
export { type MessagingConfig, type MessagingSettings, messagingSettings } from './config.ts'
export * from './mailbox-hands.ts'
export { createMailboxes, type Identity, Mailboxes, type MailboxesParts } from './mailboxes.ts'
export type { Message, Priority } from './message.ts'
export * from './message-hands.ts'
export { defineMessage, type MessageType, type MessageTypeOptions } from './message-type.ts'
export { messagingMigrations } from './migrations.ts'
export { MessageConfirmed, MessageRefused } from './notices.ts'
export { type AgentDetail, createPresence, Presence, type PresenceParts } from './presence.ts'
export { type StagedMessagesParts, stagedMessages } from './staged-messages.ts'
export { type RunningWorker, type StartWorkerParts, startWorker } from './start-worker.ts'
export { StateMachine, type StateMachineOptions, type Transition } from './state-machine.ts'
export { forgetMessagesOf } from './statements/sweep-statements.ts'
export {
  type BatchHandler,
  type BatchOptions,
  type Handler,
  type HandlerContext,
  type PresenceHandler,
  Worker,
  type WorkerOptions,
} from './worker.ts'
