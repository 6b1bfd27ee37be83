/** The transport to a troupe that is opened in this process: the routes of the server, without a socket. */
import { randomBytes } from 'node:crypto'
import type { Troupe } from '../../startup/index.ts'
import type { Transport } from './cli-client.ts'

/** The most that a server may be set to take: a data set is sent in one piece. */
const maxBodyBytes = 2 ** 24

/** Under a prefix the plugin does not serve the studio, whose files take a tenth of a short command. */
const prefix = '/local'

/** Fastify loads its own compilers of schemas unless it has these. They take 50 ms, and the plugin sets those of zod. */
const unused = (): never => {
  throw new Error('the plugin has set no compilers of schemas')
}

/** Closes the troupe with itself. */
export async function localTransport(troupe: Troupe, location: string): Promise<Transport> {
  const [{ default: fastify }, { createFetch, troupePlugin }] = await Promise.all([
    import('fastify'),
    import('../../server/index.ts'),
  ])
  const app = fastify({
    logger: false,
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
    routerOptions: { maxParamLength: 4_096 },
  })
  // A process that can open the database has all rights. The key preserves that if the app ever listens on a port.
  const key = randomBytes(32).toString('hex')
  await app.register(troupePlugin, { prefix, troupe, key, rateLimit: false, bodyLimit: maxBodyBytes })
  const send = createFetch(app)
  return {
    location,
    remote: false,
    url: '',
    fetch: (url, { headers, ...init }) =>
      send(prefix + url, { ...init, headers: { ...Object(headers), 'x-api-key': key } }),
    async [Symbol.asyncDispose]() {
      await app.close()
      await troupe.close()
    },
  }
}
