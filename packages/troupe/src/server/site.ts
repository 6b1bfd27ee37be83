/** What all requests of one server share. */
import type { Troupe, TroupeParts } from '../runtime/index.ts'
import type { Settings } from './options.ts'
import type { Feeds } from './sse/feeds.ts'

export interface Site {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly settings: Settings
  readonly feeds: Feeds
  /** Aborts when the server is closed: streams end, and nothing new begins. */
  readonly draining: AbortSignal
  /**
   * What ends then. Not listeners of the signal: one of those that is gone keeps all that came after it, for it is the link
   * of a list, and the collector spares what hangs on what is old.
   */
  readonly underWay: Set<AbortController>
}
