/** The public HealthMonitor: what `observability` has, on the machine's clock unless told otherwise. */
import { type Clock, systemClock } from '../../core/index.ts'
import { HealthMonitor as Base, type HealthStatus } from '../../observability/index.ts'

/** @example const health = new HealthMonitor(); health.register('shop', () => shop.ping()); (await health.report()).status */
export class HealthMonitor extends Base {
  constructor(
    options: {
      readonly clock?: Clock
      readonly changed?: (status: HealthStatus, before: HealthStatus) => void
    } = {},
  ) {
    super({ clock: systemClock, ...options })
  }
}
