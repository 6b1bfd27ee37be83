/** The state that all requests of one server share. */
import type { FastifyRequest } from 'fastify'
import type { TroupeParts } from '../operations/index.ts'
import type { Troupe } from '../startup/index.ts'
import type { Authenticate } from './access/authenticate.ts'
import type { ServerSettings } from './server-options.ts'
import type { Feeds } from './streams/feeds.ts'
import type { UpdateStreams } from './streams/update-streams.ts'

/** Checks whether an authenticated caller is still authorized. */
export type SessionGuard = (request: FastifyRequest) => Promise<boolean>

export interface Site {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly settings: ServerSettings
  readonly feeds: Feeds
  readonly updateStreams: UpdateStreams
  readonly authenticate: Authenticate
  readonly isSessionValid: SessionGuard
  /** Aborts when the server closes. Streams end then, and no request starts. */
  readonly draining: AbortSignal
  /**
   * The callbacks to call then. They are not listeners of the signal: a removed listener is a node of a linked list and would
   * keep all later listeners from being collected until a major garbage collection.
   */
  readonly activeRequests: Set<AbortController>
  /** The number of open streams of each principal. */
  readonly openStreams: Map<string, number>
}
