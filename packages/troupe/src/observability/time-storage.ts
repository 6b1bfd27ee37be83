/** The storage, with the time that its commits and reads take. */
import type { Clock } from '../core/index.ts'
import { forwardStorage, type OpenedStorage } from '../storage/index.ts'
import type { MetricsCollector } from './metrics/index.ts'

export function timeStorage(storage: OpenedStorage, clock: Clock, metrics: MetricsCollector): OpenedStorage {
  const timed = async <Out>(name: string, run: () => Promise<Out>): Promise<Out> => {
    const began = clock.monotonic()
    try {
      const out = await run()
      metrics.time(name, clock.monotonic() - began)
      return out
    } catch (error) {
      metrics.time(name, clock.monotonic() - began, { success: false })
      throw error
    }
  }
  return {
    ...forwardStorage(storage),
    ...(storage.singleWriter ? { singleWriter: storage.singleWriter } : {}),
    commit: (change) => timed('storage.commit', () => storage.commit(change)),
    read: (scope, statements) => timed('storage.read', () => storage.read(scope, statements)),
  }
}
