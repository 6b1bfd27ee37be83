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
}
