/** Checkers of recorded histories. */
export * from './anomaly.ts'
export * from './check-appends.ts'
export * from './check-at-most-once.ts'
export * from './check-fifo.ts'
export * from './check-updates.ts'
export * from './linearizability.ts'
export * from './register-model.ts'
