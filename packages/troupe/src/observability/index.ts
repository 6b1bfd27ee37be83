/** What can be seen from outside: logs and metrics. Listens to events; nothing waits for it. */
export * from './log.ts'
export * from './metrics-collector.ts'
export * from './pino-log.ts'
