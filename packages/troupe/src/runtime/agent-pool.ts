/** The public AgentPool: what `agents` has, on the machine's clock unless told otherwise. */
import { AgentPool as Pool, type PoolOptions } from '../agents/index.ts'
import { type Clock, systemClock } from '../core/index.ts'

/** @example const pool = new AgentPool({ create: openBrowser, dispose: (browser) => browser.close(), size: 4 }) */
export class AgentPool<T = unknown> extends Pool<T> {
  constructor(options: Omit<PoolOptions<T>, 'clock'> & { readonly clock?: Clock }) {
    super({ ...options, clock: options?.clock ?? systemClock })
  }
}
