/** Answers requests without a route: 404, or 405 if the path accepts other methods (RFC 9110). */
import type { FastifyInstance } from 'fastify'
import { failure } from '../../core/index.ts'
import { problemDetailsOf, sendProblem } from './problem-details.ts'

/**
 * If the app has no prefix, the owner of the app answers unknown routes, since an app has one such answer.
 * @param app before its routes are added
 */
export function answerUnknown(app: FastifyInstance): void {
  const methodsAt = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ method, url }) => {
    const methods = methodsAt.get(url) ?? new Set()
    methodsAt.set(url, methods)
    for (const one of [method].flat()) methods.add(one)
  })
  app.setNotFoundHandler((request, reply) => {
    const { method } = request
    const path = request.url.split('?')[0] ?? ''
    const knownMethods = [...methodsAt].filter(([route]) => fits(route, path)).flatMap(([, methods]) => [...methods])
    if (knownMethods.length === 0)
      return sendProblem(reply, problemDetailsOf(failure('route.missing', { method, path }), request.id))
    const allowed = [...new Set(knownMethods)].sort().join(', ')
    reply.header('allow', allowed)
    return method === 'OPTIONS'
      ? reply.code(204).send()
      : sendProblem(reply, problemDetailsOf(failure('route.method', { method, path, allowed }), request.id))
  })
}

function fits(route: string, path: string): boolean {
  const [parts, segments] = [route.split('/'), path.split('/')]
  return parts.length === segments.length && parts.every((part, i) => part.startsWith(':') || part === segments[i])
}
