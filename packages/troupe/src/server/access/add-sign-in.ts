/** The routes by which a page signs in at an identity provider and gets a session. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failure, TroupeError } from '../../core/index.ts'
import { setSessionCookie } from '../open-routes.ts'
import type { Site } from '../site.ts'
import type { FailureLimit } from './admit.ts'
import { cookieOf } from './authenticate.ts'
import { createIdentityProvider, type PendingSignIn } from './oidc.ts'

const hidden = { schema: { hide: true }, exposeHeadRoute: false }
const loginCookie = 'troupe_login'
/** How long a person may take to sign in at the provider. */
const pendingSeconds = 600
const callbackPath = '/login/callback'

export function addSignIn(app: FastifyInstance, site: Site, limit: FailureLimit): void {
  const { oidc, publicUrl } = site.settings
  if (!oidc) return
  const provider = createIdentityProvider(oidc, site.parts)
  const originOf = (request: FastifyRequest) => publicUrl?.origin ?? `${request.protocol}://${request.host}`
  // The browser returns from the provider's page, and would not send a strict cookie then.
  const setPending = (request: FastifyRequest, reply: FastifyReply, value: string, seconds: number) => {
    const secure = originOf(request).startsWith('https:') ? '; Secure' : ''
    const flags = `HttpOnly; SameSite=Lax; Path=/login; Max-Age=${seconds}${secure}`
    reply.header('set-cookie', `${loginCookie}=${value}; ${flags}`)
    reply.header('cache-control', 'no-store')
  }

  app.get('/login', hidden, async (request, reply) => {
    limit.checkFailures(request, reply)
    const { url, pending } = await provider.begin(originOf(request) + app.prefix + callbackPath)
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
      const scope = await provider.finish(new URL(request.url, originOf(request)), pending)
      const session = await apiKeys.signIn(scope)
      const users = scope.users === 'all' ? {} : { user: scope.users[0] as string }
      audit.record({
        actor: 'host',
        operation: 'login',
        key: session.id,
        resource: session.id,
        allowed: true,
        ...users,
      })
      setSessionCookie(reply, session.key, session.maxAgeMs, originOf(request).startsWith('https:'))
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
