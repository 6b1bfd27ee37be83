/** The public AgentPool: what `agents` has, on the machine's clock unless told otherwise. */
import { type AgentPoolOptions, AgentPool as Pool } from '../../agents/index.ts'
import { type Clock, systemClock } from '../../core/index.ts'

/** @example const pool = new AgentPool({ create: openBrowser, dispose: (browser) => browser.close(), size: 4 }) */
export class AgentPool<T = unknown> extends Pool<T> {
  constructor(options: Omit<AgentPoolOptions<T>, 'clock'> & { readonly clock?: Clock }) {
    super({ ...options, clock: options?.clock ?? systemClock })
  }
}
