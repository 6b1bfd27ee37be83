/** Authenticates a caller by an API key, the application's own key, a token, or the session of a page. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { failure } from '../../core/index.ts'
import type { TroupeParts } from '../../operations/index.ts'
import { checkApiKey, type ServerSettings } from '../server-options.ts'
import type { RequestPrincipal } from './request-principal.ts'
import { type CheckToken, createTokenCheck } from './tokens.ts'

export const sessionCookie = 'troupe_session'

const everything = { users: 'all', role: 'admin', operations: undefined, agent: undefined, taint: [] } as const
const local: RequestPrincipal = { id: 'local', kind: 'local', name: 'local', ...everything }
/** The id of the server's own key, which is stored nowhere. */
export const hostKeyId = 'host'
const hostKey: RequestPrincipal = { id: hostKeyId, kind: 'key', name: 'host', ...everything }

const digest = (text: string) => hash('sha256', text, 'buffer')
const unsafe = (method: string) => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'

/**
 * @returns undefined if the request has no valid credential
 * @throws ExternalServiceError `external.failed` if the keys for its token cannot be read
 */
export type Authenticate = (request: FastifyRequest) => Promise<RequestPrincipal | undefined>

/** The groups that authentication uses. */
type AuthenticationPorts = Pick<TroupeParts, 'platform' | 'security' | 'protection' | 'observability'>

export async function createAuthenticate(parts: AuthenticationPorts, settings: ServerSettings): Promise<Authenticate> {
  const { apiKeys } = parts.security
  if (settings.key !== undefined) {
    const key = await parts.protection.secrets.reveal(settings.key)
    checkApiKey(key)
    parts.protection.redactor.addSecret(key)
  }
  const checkToken: CheckToken | undefined = settings.jwt && (await createTokenCheck(settings.jwt, parts))

  return async (request) => {
    const shown = credentialOf(request)
    if (shown !== undefined) {
      // Resolved for each request, since a secret may be replaced while the server runs.
      const own = settings.key === undefined ? undefined : await parts.protection.secrets.reveal(settings.key)
      if (own !== undefined && timingSafeEqual(digest(own), digest(shown))) return hostKey
      if (/^tk_/.test(shown)) return apiKeys.verify(shown)
      return checkToken?.(shown)
    }
    const session = cookieOf(request.headers.cookie, sessionCookie)
    if (session?.startsWith('ts_')) {
      const grant = await apiKeys.verify(session)
      if (grant) return samePage(request, grant)
    }
    return settings.isOpen ? local : undefined
  }
}

/**
 * A browser sends the cookie with requests of other pages too, so a request that changes data must come from our own
 * page.
 */
function samePage(request: FastifyRequest, principal: RequestPrincipal): RequestPrincipal {
  if (!unsafe(request.method)) return principal
  const { origin, host } = request.headers
  const site = request.headers['sec-fetch-site']
  const isOurs = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
  if (isOurs && (site === undefined || site === 'same-origin')) return principal
  throw failure('request.foreign', { problem: 'of a session that come from another page' })
}

/**
 * Returns the id of the API key or session with which ends whatever the caller opens: a session ends with its own opener.
 * undefined for the host and for callers without a credential.
 */
export const openerOf = ({ kind, id, openedBy }: RequestPrincipal): string | undefined => {
  if (kind === 'session') return openedBy ?? id
  return kind === 'key' && id !== hostKeyId ? id : undefined
}

/** Returns the credential by which a request was authenticated. */
export const shownBy = (request: FastifyRequest): string | undefined =>
  credentialOf(request) ?? cookieOf(request.headers.cookie, sessionCookie)

function credentialOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['x-api-key']
  if (typeof key === 'string') return key
  return /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

export const cookieOf = (header: string | undefined, name: string): string | undefined =>
  header
    ?.split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1)
