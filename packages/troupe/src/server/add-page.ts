/** The page: files built beside the library, open to anybody; what they show comes from the routes, for who may see it. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'

const root = fileURLToPath(new URL('../../page/', import.meta.url))

/** Where the page was not built there is none. */
export async function addPage(app: FastifyInstance): Promise<void> {
  if (!existsSync(`${root}index.html`)) return
  const { default: files } = await import('@fastify/static')
  await app.register(files, {
    root,
    // One route for each file: whatever else is asked for is answered like any route that is not there.
    wildcard: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      // The names of assets change with their content.
      const kept = path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      reply.header('cache-control', kept)
    },
  })
}

/** Nothing but its own scripts; components set the style of their elements. */
export const pagePolicy = {
  useDefaults: false,
  directives: {
    'default-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
  },
}
