/** Checkers of recorded histories. */
export * from './anomaly.ts'
export * from './at-most-once.ts'
export * from './check-appends.ts'
export * from './check-updates.ts'
export * from './deliveries.ts'
export * from './linearizability.ts'
export * from './register-model.ts'
