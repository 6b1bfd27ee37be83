/** What all requests of one server share. */
import type { FastifyRequest } from 'fastify'
import { failure } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { partsOf, type Troupe } from '../startup/index.ts'
import type { Authenticate } from './access/authenticate.ts'
import type { ServerSettings } from './server-options.ts'
import type { Feeds } from './streams/feeds.ts'

/** @throws ValidationError for what is no troupe, as the promise of one */
export function partsIn(troupe: Troupe): TroupeParts {
  const parts = (troupe as Partial<Troupe> | undefined)?.[partsOf]
  if (parts) return parts
  throw failure('validation.failed', { what: 'troupe', problem: 'it is not what createTroupe() resolves to' })
}

/** Whether whoever was let in would still be. */
export type SessionGuard = (request: FastifyRequest) => Promise<boolean>

export interface Site {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly settings: ServerSettings
  readonly feeds: Feeds
  readonly authenticate: Authenticate
  readonly isSessionValid: SessionGuard
  /** Aborts when the server is closed: streams end, and nothing new begins. */
  readonly draining: AbortSignal
  /**
   * What ends then. Not listeners of the signal: one of those that is gone keeps all that came after it, for it is the link
   * of a list, and the collector spares what hangs on what is old.
   */
  readonly activeRequests: Set<AbortController>
}
