/** What can be seen from outside: logs, metrics, traces, health, alerts. Listens to events; nothing waits for it. */
export * from './alerts/index.ts'
export * from './health/index.ts'
export * from './logs/index.ts'
export * from './metrics/index.ts'
export * from './otlp/index.ts'
export * from './performance.ts'
export * from './time-storage.ts'
export * from './traces/index.ts'
