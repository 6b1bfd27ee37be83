/** What survives: journals with one writer, effects, turns, inboxes, timers. */
export * from './effect-port.ts'
export { createInbox } from './inbox/create-inbox.ts'
export * from './inbox-port.ts'
export * from './journal-port.ts'
export {
  createJournals,
  type JournalRetention,
  type JournalsOptions,
  journalLimits,
} from './journals/create-journals.ts'
export { durableMigrations } from './migrations.ts'
export {
  type RateKey,
  type SharedRateLimit,
  SharedRateLimiter,
  sweepRateLimits,
} from './rate-limits/shared-rate-limiter.ts'
export * from './recorder-port.ts'
export { Requests } from './requests/requests.ts'
export { createSteps, type StepsOptions, stepLimits } from './steps/create-steps.ts'
export { inputHash } from './steps/effect-runner.ts'
export type { StepLimits } from './steps/life.ts'
export * from './steps-port.ts'
export { durableTables } from './tables.ts'
export { createTimers } from './timers/create-timers.ts'
export * from './timers-port.ts'
