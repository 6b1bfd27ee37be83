/** Serves the studio: files that any caller may read; the routes check who may see the data that it shows. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { packageFolder } from '../configuration/index.ts'

/** Adds nothing if the studio was not built, or is not beside the code, as in a bundle of one file. */
export async function addStudio(app: FastifyInstance): Promise<void> {
  const folder = packageFolder()
  if (folder === undefined) return
  const root = join(folder, 'studio')
  if (!existsSync(join(root, 'index.html'))) return
  const { default: files } = await import('@fastify/static')
  await app.register(files, {
    root,
    // One route for each file: whatever else is asked for is answered like any route that is not there.
    wildcard: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      // The names of assets change with their content.
      const cacheControl = path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      reply.header('cache-control', cacheControl)
    },
  })
}

/** Nothing but its own scripts; components set the style of their elements. */
export const studioPolicy = {
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
