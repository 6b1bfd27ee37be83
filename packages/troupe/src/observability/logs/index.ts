/** Logs. */
export * from './log.ts'
export { logEvents } from './log-events.ts'
export { failureFields, logFailures } from './log-failures.ts'
export { checkLogConfig, createPinoLog, type LogConfig, type LogSink } from './pino-log.ts'
