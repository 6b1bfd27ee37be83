/** Durable execution of steps: journals with one writer, effects, turns, inboxes and timers. */
export * from './effect-port.ts'
export { checkEffect } from './effects/check-effect.ts'
export { inputHash } from './effects/run-effect.ts'
export { createInbox } from './inbox/create-inbox.ts'
export * from './inbox-port.ts'
export { journalMigrations } from './journal-migrations.ts'
export type { JournalParts } from './journal-parts.ts'
export * from './journal-port.ts'
export { journalTables } from './journal-tables.ts'
export {
  createJournals,
  type JournalRetention,
  type Journals,
  type JournalsOptions,
} from './journals/create-journals.ts'
export type { JournalWriter } from './journals/journal-writer.ts'
export {
  cleanupRateLimits,
  type RateKey,
  type SharedRateLimit,
  SharedRateLimiter,
} from './rate-limits/shared-rate-limiter.ts'
export { SharedSlots, type SharedSlotsParts } from './rate-limits/shared-slots.ts'
export * from './recorder-port.ts'
export { withoutRanges } from './replay/call-id.ts'
export { Requests } from './requests/requests.ts'
export { escapeRun, journalOwnerOf, runJournal, runPrefix, shardOf, stepJournal, workShards } from './run-journal.ts'
export { createSteps } from './steps/create-steps.ts'
export type { StepLimits } from './steps/execution.ts'
export { eventContextOf } from './steps/observed-step.ts'
export type { StepsOptions } from './steps/steps-context.ts'
export { waitAtMost } from './steps/wait-at-most.ts'
export { answerTimeMs } from './steps/waits.ts'
export * from './steps-port.ts'
export { createTimers } from './timers/create-timers.ts'
export * from './timers-port.ts'
export {
  CommitNow,
  StageInTurn,
  type TurnWrite,
  type Write,
  type WriteOrigin,
  type WriteTarget,
} from './write-target.ts'
