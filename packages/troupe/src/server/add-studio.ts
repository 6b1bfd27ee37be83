/** Serves the files of the studio to any caller. The routes check the rights to the data that it shows. */
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { packageFolder } from '../configuration/index.ts'

/**
 * Adds no routes if the studio was not built or is not next to the code, as in a single-file bundle.
 * @param limited limits the requests of an address
 */
export async function addStudio(app: FastifyInstance, limited: onRequestAsyncHookHandler): Promise<void> {
  const folder = packageFolder()
  if (folder === undefined) return
  const root = join(folder, 'studio')
  if (!existsSync(join(root, 'index.html'))) return
  const { default: send } = await import('@fastify/send')
  const add = (route: string, path: string) => {
    // The names of assets change with their content.
    const cacheControl = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    app.get(route, { schema: { hide: true }, onRequest: limited }, async (request, reply) => {
      const { statusCode, headers, stream } = await send(request.raw, path, { root, cacheControl: false })
      return reply.code(statusCode).headers(headers).header('cache-control', cacheControl).send(stream)
    })
  }
  add('/', '/index.html')
  // One route for each file, so that any other path is answered as an unknown route.
  for (const file of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = `/${relative(root, join(file.parentPath, file.name)).replaceAll('\\', '/')}`
    if (file.isFile()) add(path, path)
  }
}

/** The content security policy allows only its own scripts. Components set inline styles. */
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
