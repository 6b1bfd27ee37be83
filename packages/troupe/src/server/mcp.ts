/** MCP at `/mcp`, with the keys, roles and checks of every other route: what a client may do there is what its key may. */
import type { FastifyInstance } from 'fastify'
import { createMcpEndpoint, type McpEndpoint } from '../protocols/index.ts'
import { coversOperation, coversRole } from '../security/index.ts'
import { type Admit, admittedOf } from './admit.ts'
import { accessOf, keyOf } from './principal.ts'
import type { Site } from './site.ts'

export function addMcp(app: FastifyInstance, site: Site, admit: Admit): void {
  const { troupe, parts, settings, draining } = site
  let endpoint: Promise<McpEndpoint> | undefined
  app.route({
    method: ['POST', 'GET', 'DELETE'],
    url: '/mcp',
    schema: { hide: true },
    bodyLimit: settings.bodyLimit,
    onRequest: (request, reply) => admit({ role: 'readonly', operation: 'mcp' }, request, reply),
    handler: async (request, reply) => {
      const { principal, user, agent } = admittedOf(request)
      endpoint ??= createMcpEndpoint(troupe)
      const [serve, { toNodeHandler }] = await Promise.all([endpoint, import('@modelcontextprotocol/node')])
      const identity = {
        user,
        agent,
        access: accessOf(principal, parts.roles),
        may: (operation: Parameters<typeof coversOperation>[1], least: Parameters<typeof coversRole>[2]) =>
          coversRole(parts.roles, principal.role, least) && coversOperation(principal.operations, operation),
      }
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value)
      const fetch = (web: Request) => {
        const signal = AbortSignal.any([web.signal, draining])
        return serve(identity, new Request(web, { signal }), request.body, settings.heartbeatMs)
      }
      const handle = toNodeHandler({ fetch })
      await parts.audit.by(keyOf(principal), () => handle(request.raw as never, reply.raw as never, request.body))
      return reply
    },
  })
}
