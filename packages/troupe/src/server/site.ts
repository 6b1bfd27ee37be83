/** What all requests of one server share. */
import type { FastifyRequest } from 'fastify'
import type { TroupeParts } from '../operations/index.ts'
import type { Troupe } from '../startup/index.ts'
import type { Authenticate } from './access/authenticate.ts'
import type { ServerSettings } from './server-options.ts'
import type { Feeds } from './streams/feeds.ts'
import type { UpdateStreams } from './streams/update-streams.ts'

/** Whether whoever was let in would still be. */
export type SessionGuard = (request: FastifyRequest) => Promise<boolean>

export interface Site {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly settings: ServerSettings
  readonly feeds: Feeds
  readonly updateStreams: UpdateStreams
  readonly authenticate: Authenticate
  readonly isSessionValid: SessionGuard
  /** Aborts when the server is closed: streams end, and nothing new begins. */
  readonly draining: AbortSignal
  /**
   * What ends then. Not listeners of the signal: one of those that is gone keeps all that came after it, for it is the link
   * of a list, and the collector spares what hangs on what is old.
   */
  readonly activeRequests: Set<AbortController>
  /** How many streams each principal has open. */
  readonly openStreams: Map<string, number>
}
