/** Opens a troupe: wires the adapters, and hands out the public objects. */
export type { AgentHandle } from './agent-handle.ts'
export { createTroupe } from './create-troupe.ts'
export type { DrainOptions, DrainResult } from './drain-parts.ts'
export { handleSignals } from './handle-signals.ts'
export { type AcceptAnswersOptions, AnswerQuestion } from './question-inbox.ts'
export { AgentPool } from './standalone/standalone-agent-pool.ts'
export {
  BatchProcessor,
  CircuitBreaker,
  LastKnownGood,
  Pool,
  RateLimiter,
} from './standalone/standalone-circuit-breaker.ts'
export { EpisodicMemory, type EpisodicMemoryConfig } from './standalone/standalone-episodic-memory.ts'
export { HealthMonitor } from './standalone/standalone-health-monitor.ts'
export { LlmAgent } from './standalone/standalone-llm-agent.ts'
export { LoadTester } from './standalone/standalone-load-tester.ts'
export { MetricsCollector } from './standalone/standalone-metrics-collector.ts'
export { type Audit, partsOf, type Troupe } from './troupe.ts'
export type { AgentMemory, User } from './user.ts'
export type { SignalOptions } from './watch-signals.ts'
