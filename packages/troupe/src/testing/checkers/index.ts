/** Checkers of recorded histories. */
export * from './anomaly.ts'
export * from './at-most-once.ts'
export * from './deliveries.ts'
export * from './linearizability.ts'
export * from './lost-updates.ts'
export * from './register-model.ts'
export * from './set-append.ts'
