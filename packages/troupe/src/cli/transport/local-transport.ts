/** To a troupe opened here: the routes of the server, without a socket. */
import { randomBytes } from 'node:crypto'
import type { Troupe } from '../../startup/index.ts'
import type { Transport } from './api.ts'

/** Closes the troupe with itself. */
export async function localTransport(troupe: Troupe, location: string): Promise<Transport> {
  const [{ default: fastify }, { troupePlugin }] = await Promise.all([
    import('fastify'),
    import('../../server/index.ts'),
  ])
  const app = fastify({ logger: false, routerOptions: { maxParamLength: 4_096 } })
  // Whoever may open the database may do everything; the key keeps that true should the app ever listen.
  const key = randomBytes(32).toString('hex')
  await app.register(troupePlugin, { troupe, key, rateLimit: false })
  return {
    location,
    remote: false,
    async send({ method, url, headers, body }, signal) {
      const answer = await app.inject({
        method: method as 'GET',
        url,
        headers: { host: 'localhost', ...headers, 'x-api-key': key },
        ...(body === undefined ? {} : { payload: body }),
        signal,
        payloadAsStream: true,
      })
      return { status: answer.statusCode, body: answer.stream() as AsyncIterable<Uint8Array> }
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await troupe.close()
    },
  }
}
