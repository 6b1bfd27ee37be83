/** Objects of the exported classes that an application constructs, each made afresh. */
import type { LibraryUnderTest } from './library.ts'

const filled = <T extends { add(item: unknown): unknown }>(memory: T): T => {
  memory.add('what is remembered')
  return memory
}

export function constructionsOf(library: LibraryUnderTest) {
  let workers = 0
  return {
    worker: () => new library.Worker(`W${++workers}`),
    stateMachine: () => new library.StateMachine({ initial: 'a', transitions: { a: ['b'], b: [] } }),
    breaker: () => new library.CircuitBreaker(),
    limiter: () => new library.RateLimiter({ limit: 3, window: '1s' }),
    pool: () => new library.Pool({ create: () => ({}) }),
    lastKnownGood: () => new library.LastKnownGood({ maxAge: '1h', mayStillSee: () => true }),
    batches: () =>
      new library.BatchProcessor({
        size: 3,
        wait: '5ms',
        process: async (items: readonly unknown[]) => items.map(() => 1),
      }),
    agentPool: () => new library.AgentPool({ create: () => ({}), size: 2 }),
    factory: () => new library.AgentFactory(),
    tracer: () => new library.Tracer({}),
    episodicMemory: () => filled(new library.EpisodicMemory({})),
    workingMemory: () => filled(new library.WorkingMemory({})),
    healthMonitor: () => new library.HealthMonitor(),
    metricsCollector: () => new library.MetricsCollector(),
  }
}
