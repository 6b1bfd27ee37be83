/** Observability: logs, metrics, traces, health and alerts. It listens to events, and no caller waits for it. */
export * from './alerts/index.ts'
export * from './health/index.ts'
export * from './logs/index.ts'
export * from './metrics/index.ts'
export * from './otlp/index.ts'
export * from './performance.ts'
export * from './time-storage.ts'
export * from './traces/index.ts'
