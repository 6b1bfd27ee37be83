/** Health checks, and the watchdog of stalled work. */
export {
  type CheckAnswer,
  type CheckOptions,
  type CheckReport,
  type HealthCheck,
  HealthMonitor,
  type HealthReport,
  type HealthStatus,
} from './health-monitor.ts'
export { LoopLag } from './loop-lag.ts'
export { type StalledWork, Watchdog } from './watchdog.ts'
