/** Creates a server around the plugin and listens. */
import type { FastifyInstance } from 'fastify'
import { type Cancel, type Clock, failure, invalidInput, milliseconds, sleep } from '../core/index.ts'
import type { KeyScope } from '../security/index.ts'
import { partsIn, type Troupe } from '../startup/index.ts'
import { answerUnknown } from './answers/answer-unknown.ts'
import { problemOf, sendProblem } from './answers/problem-details.ts'
import { rejectUnreadable } from './answers/reject-unreadable.ts'
import { checkPort, listen, withoutCompilers } from './listen.ts'
import { checkMetrics, serveMetrics } from './metrics/serve-metrics.ts'
import { addServer } from './plugin.ts'
import {
  isLoopback,
  isProxy,
  readSettings,
  readTrustProxy,
  type ServerOptions,
  type ServerSettings,
} from './server-options.ts'
import { type TrackedConnections, trackConnections } from './track-connections.ts'

/** A running server. `await using` closes it at the end of the block. */
export interface Served extends AsyncDisposable {
  /** The URL of the server: `http://127.0.0.1:8000`. */
  readonly url: string
  /** The address on which it listens. */
  readonly host: string
  /** The port on which it listens. */
  readonly port: number
  /** The Fastify app. */
  readonly app: FastifyInstance
  /** The URL of the metrics, if they have their own port. */
  readonly metricsUrl: string | undefined
  /**
   * Creates a link that opens the studio once, within five minutes. Without a scope it gives access to the data of all
   * users.
   */
  link(scope?: KeyScope): Promise<string>
  /**
   * Ends streams, answers requests in progress, and stops listening. The troupe stays open. While the troupe drains, the
   * server continues to answer that it is not ready, for the time that `drain` sets.
   */
  close(): Promise<void>
}

/** The maximal size of all headers of a request in bytes; more is answered with 431. */
const maxHeaderSize = 16_384

/**
 * Serves a troupe over HTTP. Options that are not given are taken from `server` of its configuration.
 * @throws ValidationError for a wrong option, `server.exposed` for a public address without authentication;
 * ConflictError `server.address_in_use`
 * @example
 * const server = await serve(troupe, { port: 8000 })
 * // curl http://127.0.0.1:8000/execute -H 'content-type: application/json' -d '{"task":"Plan a trip"}'
 * await server.close()
 */
export async function serve(troupe: Troupe, options: ServerOptions = {}): Promise<Served> {
  const parts = partsIn(troupe)
  const {
    host = '127.0.0.1',
    port = 8_000,
    maxConnections = 10_000,
    maxConnectionsPerAddress = 1_000,
    trustProxy = [],
    requestTimeout = '30s',
    drain = '10s',
    metrics,
    ...rest
  } = { ...parts.settings.config.server, ...options }
  checkPort('port', port)
  for (const [what, value] of Object.entries({ maxConnections, maxConnectionsPerAddress }))
    if (!Number.isInteger(value) || value < 1) throw invalidInput(what, 'it must be a whole number from 1')
  const settings = readSettings(rest, { host, production: parts.settings.production })
  if (metrics !== undefined) checkMetrics(metrics)
  await requireSignIn(troupe, host, settings)
  const { default: fastify } = await import('fastify')
  const proxies = readTrustProxy(trustProxy)
  const readMs = milliseconds(requestTimeout, 'requestTimeout', '10ms')
  const drainMs = milliseconds(drain, 'drain')
  const app = fastify({
    logger: false,
    schemaController: withoutCompilers,
    genReqId: () => parts.platform.ids.next(),
    requestTimeout: readMs,
    // A request that arrives too slowly (slow loris) is aborted.
    http: { maxHeaderSize, headersTimeout: readMs, connectionsCheckingInterval: 1_000 },
    routerOptions: { maxParamLength: 4_096 },
    bodyLimit: settings.bodyLimit,
    // A request during the close is rejected with an error of the catalogue.
    return503OnClosing: false,
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    // Answers a malformed path, for which there is no route.
    frameworkErrors: (error, request, reply) =>
      void sendProblem(reply, problemOf(error, request, parts.observability.log)),
    clientErrorHandler: (error, socket) => rejectUnreadable(error, socket, parts.platform.ids.next()),
  })
  app.server.maxConnections = maxConnections
  const exempt = isProxy(proxies)
  const connections = trackConnections(app.server, { perAddress: maxConnectionsPerAddress, exempt })
  answerUnknown(app)
  const stopAccepting = await closingOnFailure(app, () => addServer(app, troupe, settings))
  const { url, port: boundPort } = await listen(app, host, port)
  // If the port of the metrics is in use, or the address cannot be written, the server does not start.
  const metricsServer = metrics && (await closingOnFailure(app, () => serveMetrics(troupe, metrics)))
  await closingOnFailure({ close: () => Promise.all([app.close(), metricsServer?.close()]) }, async () =>
    // A process that finds the database owned reports this address to its user.
    parts.stores.storage.announce(url),
  )
  const close = async () => {
    parts.stores.storage.announce(undefined)
    stopAccepting()
    await closed(app, connections, { clock: parts.platform.clock, drainMs, workEnded: parts.work.gate.workEnded })
    await metricsServer?.close()
  }
  return {
    url,
    host,
    port: boundPort,
    app,
    metricsUrl: metricsServer?.url,
    link: async (scope = { users: 'all', role: 'admin' }) =>
      `${settings.publicUrl?.origin ?? url}/open?link=${await troupe.apiKeys.link(scope)}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** @throws ValidationError `server.exposed` */
async function requireSignIn(troupe: Troupe, host: string, { key, jwt, oidc }: ServerSettings): Promise<void> {
  if (isLoopback(host) || key !== undefined || jwt || oidc) return
  if (!(await troupe.apiKeys.any()))
    throw failure('server.exposed', { host, problem: 'signing in is impossible, because no key exists' })
}

/** Closes the app if the work fails, so that nothing is left of a server that does not start. */
async function closingOnFailure<T>(app: { close(): PromiseLike<unknown> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await app.close()
    throw error
  }
}

/**
 * Closes connections. Until the turns in progress have ended, answers tell callers that the server closes. Then idle
 * connections are closed at once, and the others after the drain timeout.
 */
async function closed(
  app: FastifyInstance,
  connections: TrackedConnections,
  {
    clock,
    drainMs,
    workEnded,
  }: { readonly clock: Clock; readonly drainMs: number; readonly workEnded: Promise<unknown> },
): Promise<void> {
  const until = clock.monotonic() + drainMs
  const ended = new AbortController()
  await Promise.race([workEnded, sleep(clock, drainMs, ended.signal).catch(() => {})])
  ended.abort()
  let cancel: Cancel = () => {}
  const closeConnections = () => {
    if (clock.monotonic() >= until) app.server.closeAllConnections()
    else connections.closeIdle()
    cancel = clock.after(50, closeConnections)
  }
  cancel = clock.after(50, closeConnections)
  await app.close().finally(() => cancel())
}
