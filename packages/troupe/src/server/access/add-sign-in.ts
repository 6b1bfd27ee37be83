/** The routes by which a page gets a session: with an API key, or at an identity provider. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failure, TroupeError } from '../../core/index.ts'
import type { OpenedSession } from '../../security/index.ts'
import { setSessionCookie } from '../open-routes.ts'
import type { Site } from '../site.ts'
import { type FailureLimit, identify, type RateLimit } from './admit.ts'
import { cookieOf, hostKeyId, sessionCookie } from './authenticate.ts'
import { createIdentityProvider, type PendingSignIn } from './oidc.ts'

const hidden = { schema: { hide: true }, exposeHeadRoute: false }
const loginCookie = 'troupe_login'
/** How long a person may take to sign in at the provider. */
const pendingSeconds = 600
const callbackPath = '/login/callback'

export function addSignIn(app: FastifyInstance, site: Site, limit: RateLimit): void {
  addSession(app, site, limit)
  addProviderSignIn(app, site, limit)
}

function addSession(app: FastifyInstance, site: Site, limit: RateLimit): void {
  const { audit, apiKeys } = site.parts.security
  const isSecure = (request: FastifyRequest) => originOf(site, request).startsWith('https:')
  // The page asks how a person may sign in, and whether its browser has a session to end.
  app.get('/session', hidden, async ({ headers }, reply) => {
    const isPresent = Boolean(cookieOf(headers.cookie, sessionCookie))
    return reply.header('cache-control', 'no-store').send({ isPresent, provider: site.settings.oidc !== undefined })
  })
  // A page of another site cannot send the header with the key.
  app.post('/session', hidden, async (request, reply) => {
    const principal = await identify(site, limit, request, reply)
    if (principal?.kind !== 'key') {
      audit.record({ actor: 'host', operation: 'login', allowed: false, reason: 'request.anonymous' })
      throw failure('request.anonymous')
    }
    const { id, users, role, operations, agent, taint } = principal
    const scope = { users, role, taint, ...(operations && { operations }), ...(agent !== undefined && { agent }) }
    const session = await apiKeys.signIn(scope, id === hostKeyId ? undefined : id)
    recordLogin(site, session, users)
    setSessionCookie(reply, session.key, session.maxAgeMs, isSecure(request))
    return reply.header('cache-control', 'no-store').code(204).send()
  })
  app.delete('/session', hidden, async (request, reply) => {
    const session = cookieOf(request.headers.cookie, sessionCookie)
    const grant = session === undefined ? undefined : await apiKeys.verify(session)
    if (grant?.kind === 'session') await apiKeys.endSession(grant)
    setSessionCookie(reply, '', 0, isSecure(request))
    return reply.code(204).send()
  })
}

function recordLogin({ parts }: Site, { id }: OpenedSession, users: 'all' | readonly string[]): void {
  const user = users !== 'all' && users.length === 1 ? users[0] : undefined
  const of = user === undefined ? {} : { user }
  parts.security.audit.record({ actor: 'host', operation: 'login', key: id, resource: id, allowed: true, ...of })
}

const originOf = ({ settings: { publicUrl } }: Site, request: FastifyRequest) =>
  publicUrl?.origin ?? `${request.protocol}://${request.host}`

function addProviderSignIn(app: FastifyInstance, site: Site, limit: FailureLimit): void {
  const { oidc } = site.settings
  if (!oidc) return
  const provider = createIdentityProvider(oidc, site.parts)
  // The browser returns from the provider's page, and would not send a strict cookie then.
  const setPending = (request: FastifyRequest, reply: FastifyReply, value: string, seconds: number) => {
    const secure = originOf(site, request).startsWith('https:') ? '; Secure' : ''
    const flags = `HttpOnly; SameSite=Lax; Path=/login; Max-Age=${seconds}${secure}`
    reply.header('set-cookie', `${loginCookie}=${value}; ${flags}`)
    reply.header('cache-control', 'no-store')
  }

  app.get('/login', hidden, async (request, reply) => {
    limit.checkFailures(request, reply)
    const { url, pending } = await provider.begin(originOf(site, request) + app.prefix + callbackPath)
    setPending(request, reply, Buffer.from(JSON.stringify(pending)).toString('base64url'), pendingSeconds)
    return reply.redirect(url, 303)
  })

  app.get(callbackPath, hidden, async (request, reply) => {
    limit.checkFailures(request, reply)
    const { audit, apiKeys } = site.parts.security
    const pending = pendingIn(cookieOf(request.headers.cookie, loginCookie))
    setPending(request, reply, '', 0)
    try {
      if (!pending)
        throw failure('login.rejected', { problem: 'this browser has not begun a sign-in, or began it too long ago' })
      const scope = await provider.finish(new URL(request.url, originOf(site, request)), pending)
      const session = await apiKeys.signIn(scope)
      recordLogin(site, session, scope.users)
      setSessionCookie(reply, session.key, session.maxAgeMs, originOf(site, request).startsWith('https:'))
    } catch (error) {
      limit.addFailure(request)
      const reason = error instanceof TroupeError ? error.code : 'failed'
      audit.record({ actor: 'host', operation: 'login', allowed: false, reason })
      throw error
    }
    return reply.redirect(`${app.prefix}/`, 303)
  })
}

function pendingIn(cookie: string | undefined): PendingSignIn | undefined {
  try {
    const { state, nonce, verifier } = JSON.parse(Buffer.from(cookie ?? '', 'base64url').toString()) as PendingSignIn
    const isComplete = [state, nonce, verifier].every((part) => typeof part === 'string' && part !== '')
    return isComplete ? { state, nonce, verifier } : undefined
  } catch {
    return undefined
  }
}
