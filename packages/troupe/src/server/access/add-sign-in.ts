/** The routes by which a page gets a session: with an API key, with a link, or at an identity provider. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failure, TroupeError } from '../../core/index.ts'
import type { OpenedSession } from '../../security/index.ts'
import type { AddOpenRoute } from '../open-route.ts'
import type { Site } from '../site.ts'
import { type FailureLimit, identify, type RateLimit } from './admit.ts'
import { cookieOf, openerOf, sessionCookie } from './authenticate.ts'
import { createIdentityProvider, type PendingSignIn } from './oidc.ts'

/** A sign-in has its own cookie, named for its state, so that a person can sign in with two tabs. */
const loginCookie = 'troupe_login_'
/** The number of sign-ins of a browser that can be pending. The cookies of earlier ones are removed. */
const maxPending = 5
/** How long a person may take to sign in at the provider. */
const pendingSeconds = 600
const callbackPath = '/login/callback'

export function addSignIn(app: FastifyInstance, site: Site, limit: RateLimit, add: AddOpenRoute): void {
  addSession(add, site, limit)
  addLink(app, site, limit, add)
  addProviderSignIn(app, site, limit, add)
}

function addSession(add: AddOpenRoute, site: Site, limit: RateLimit): void {
  const { apiKeys } = site.parts.security
  // The page asks how a person may sign in, and whether its browser has a session to end.
  add('GET /session', async ({ headers }, reply) => {
    const isPresent = Boolean(cookieOf(headers.cookie, sessionCookie))
    return reply.send({ isPresent, provider: site.settings.oidc !== undefined })
  })
  // A page of another site cannot send the header with the key.
  add('POST /session', async (request, reply) => {
    const principal = await identify(site, limit, request, reply)
    if (principal?.kind !== 'key') {
      recordRejection(site, 'request.anonymous')
      throw failure('request.anonymous')
    }
    const { users, role, operations, agent, taint } = principal
    const scope = { users, role, taint, ...(operations && { operations }), ...(agent !== undefined && { agent }) }
    const session = await apiKeys.signIn(scope, openerOf(principal))
    recordLogin(site, session, users)
    setSessionCookie(reply, session.key, session.maxAgeMs, isSecure(site, request))
    return reply.code(204).send()
  })
  add('DELETE /session', async (request, reply) => {
    const session = cookieOf(request.headers.cookie, sessionCookie)
    if (session?.startsWith('ts_')) {
      const grant = await apiKeys.verify(session)
      if (grant) await apiKeys.endSession(grant)
      else limit.addFailure(request)
    }
    setSessionCookie(reply, '', 0, isSecure(site, request))
    return reply.code(204).send()
  })
}

function addLink({ prefix }: FastifyInstance, site: Site, limit: FailureLimit, add: AddOpenRoute): void {
  // A HEAD request, as a link preview sends it, does not use the link up.
  add('GET /open', async (request, reply) => {
    const { link } = request.query as { readonly link?: unknown }
    const session = typeof link === 'string' ? await site.parts.security.apiKeys.openSession(link) : undefined
    if (!session) {
      limit.addFailure(request)
      recordRejection(site, 'request.anonymous')
      throw failure('request.anonymous')
    }
    setSessionCookie(reply, session.key, session.maxAgeMs, isSecure(site, request))
    return reply.redirect(`${prefix}/`, 303)
  })
}

function setSessionCookie(reply: FastifyReply, value: string, maxAgeMs: number, secure: boolean): void {
  const flags = `HttpOnly; SameSite=Strict; Path=/; Max-Age=${Math.floor(maxAgeMs / 1_000)}${secure ? '; Secure' : ''}`
  reply.header('set-cookie', `${sessionCookie}=${value}; ${flags}`)
}

function recordLogin({ parts }: Site, { id }: OpenedSession, users: 'all' | readonly string[]): void {
  const user = users !== 'all' && users.length === 1 ? users[0] : undefined
  const of = user === undefined ? {} : { user }
  parts.security.audit.record({ actor: 'host', operation: 'login', key: id, resource: id, allowed: true, ...of })
}

function recordRejection({ parts }: Site, reason: string): void {
  parts.security.audit.record({ actor: 'host', operation: 'login', allowed: false, reason })
}

const isSecure = (site: Site, request: FastifyRequest) => originOf(site, request).startsWith('https:')

const originOf = ({ settings: { publicUrl } }: Site, request: FastifyRequest) =>
  publicUrl?.origin ?? `${request.protocol}://${request.host}`

function addProviderSignIn(app: FastifyInstance, site: Site, limit: FailureLimit, add: AddOpenRoute): void {
  const { oidc } = site.settings
  if (!oidc) return
  const provider = createIdentityProvider(oidc, site.parts)
  // The browser returns from the provider's page, and would not send a strict cookie then.
  const setPending = (request: FastifyRequest, reply: FastifyReply, name: string, pending?: PendingSignIn) => {
    const secure = isSecure(site, request) ? '; Secure' : ''
    const value = pending ? Buffer.from(JSON.stringify(pending)).toString('base64url') : ''
    const maxAge = pending ? pendingSeconds : 0
    const flags = `HttpOnly; SameSite=Lax; Path=${app.prefix}/login; Max-Age=${maxAge}${secure}`
    reply.header('set-cookie', `${name}=${value}; ${flags}`)
  }

  add('GET /login', async (request, reply) => {
    const { url, pending } = await provider.begin(originOf(site, request) + app.prefix + callbackPath)
    for (const name of pendingNames(request).slice(0, 1 - maxPending)) setPending(request, reply, name)
    setPending(request, reply, loginCookie + pending.state, pending)
    return reply.redirect(url, 303)
  })

  add('GET /login/callback', async (request, reply) => {
    const { apiKeys } = site.parts.security
    const { state } = request.query as { readonly state?: unknown }
    const name = pendingNames(request).find((one) => one === `${loginCookie}${state}`)
    const pending = name === undefined ? undefined : pendingIn(cookieOf(request.headers.cookie, name))
    if (name !== undefined) setPending(request, reply, name)
    try {
      if (!pending)
        throw failure('login.rejected', { problem: 'this browser has not begun a sign-in, or began it too long ago' })
      const scope = await provider.finish(new URL(request.url, originOf(site, request)), pending)
      const session = await apiKeys.signIn(scope)
      recordLogin(site, session, scope.users)
      setSessionCookie(reply, session.key, session.maxAgeMs, isSecure(site, request))
    } catch (error) {
      // A failure of the provider or the storage says nothing about the person.
      if (error instanceof TroupeError && error.retryable) throw error
      limit.addFailure(request)
      recordRejection(site, error instanceof TroupeError ? error.code : 'failed')
      throw error
    }
    return reply.redirect(`${app.prefix}/`, 303)
  })
}

/** Returns the names of the cookies of pending sign-ins, in the order in which the browser sends them: the oldest first. */
const pendingNames = ({ headers: { cookie = '' } }: FastifyRequest): string[] =>
  [...cookie.matchAll(/(?:^|; )(troupe_login_[\w-]{1,100})=/g)].map(([, name]) => name as string)

function pendingIn(cookie: string | undefined): PendingSignIn | undefined {
  try {
    const { state, nonce, verifier } = JSON.parse(Buffer.from(cookie ?? '', 'base64url').toString()) as PendingSignIn
    const isComplete = [state, nonce, verifier].every((part) => typeof part === 'string' && part !== '')
    return isComplete ? { state, nonce, verifier } : undefined
  } catch {
    return undefined
  }
}
