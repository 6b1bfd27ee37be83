/** The public MetricsCollector: what `observability` has, on the machine's clock unless told otherwise. */
import { type Clock, systemClock } from '../../core/index.ts'
import { MetricsCollector as Base } from '../../observability/index.ts'

/** @example const metrics = new MetricsCollector(); metrics.increment('orders'); metrics.summary('orders').count */
export class MetricsCollector extends Base {
  constructor(clock: Clock = systemClock) {
    super(clock)
  }
}
