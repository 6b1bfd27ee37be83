/**
 * Serves metrics on a separate port for scrapers. It asks for no key, so the port must be reachable from a private
 * network only.
 */
import type { ServerConfig } from '../../configuration/index.ts'
import { checkOptions, failure, invalidInput } from '../../core/index.ts'
import type { Troupe } from '../../startup/index.ts'
import { partsIn } from '../../startup/index.ts'
import { checkOrigin } from '../access/check-origin.ts'
import { problemDetailsOf, problemOf, sendProblem } from '../answers/problem-details.ts'
import { checkPort, listen, withoutCompilers } from '../listen.ts'
import { sendLiveness } from '../open-routes.ts'
import { isLoopback, ownNames } from '../server-options.ts'

/** The address of the metrics server. */
export type MetricsOptions = NonNullable<ServerConfig['metrics']>

/** @throws ValidationError */
export function checkMetrics(options: MetricsOptions): MetricsOptions {
  checkOptions('metrics', options, ['port', 'host'])
  const { port, host } = options
  checkPort('metrics.port', port)
  if (host !== undefined && typeof host !== 'string') throw invalidInput('metrics.host', 'it must be a text')
  return options
}

/** A running metrics server. `await using` closes it at the end of the block. */
export interface ServedMetrics extends AsyncDisposable {
  /** The URL of the metrics: `http://127.0.0.1:9464/metrics`. */
  readonly url: string
  /** Stops the server and resolves when its port is free. */
  close(): Promise<void>
}

/**
 * Serves `/metrics` in the Prometheus text format and `/health`, beside a server or in a process without one.
 * @throws ValidationError for a wrong option; ConflictError `server.address_in_use`
 * @example const metrics = await serveMetrics(troupe, { port: 9464, host: '0.0.0.0' })
 */
export async function serveMetrics(troupe: Troupe, options: MetricsOptions): Promise<ServedMetrics> {
  const { port, host = '127.0.0.1' } = checkMetrics(options)
  const { log } = partsIn(troupe).observability
  const { default: fastify } = await import('fastify')
  const app = fastify({ logger: false, schemaController: withoutCompilers, bodyLimit: 1_024 })
  const hosts = isLoopback(host) ? ownNames : undefined
  app.setErrorHandler((error, request, reply) => sendProblem(reply, problemOf(error, request, log)))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problemDetailsOf(
        failure('route.missing', { method: request.method, path: request.url.split('?')[0] ?? '' }),
        request.id,
      ),
    ),
  )
  app.addHook('onRequest', async (request) => checkOrigin(request, { hosts, origins: [] }))
  app.get('/metrics', async (_, reply) =>
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await troupe.metrics.prometheus()),
  )
  app.get('/health', async (_, reply) => sendLiveness(troupe, reply))
  const { url } = await listen(app, host, port)
  const close = async () => {
    const closed = app.close()
    app.server.closeIdleConnections()
    await closed
  }
  return {
    url: `${url}/metrics`,
    close,
    [Symbol.asyncDispose]: close,
  }
}
