/** The options of `serve`. */
import { type Setting, setting } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { choice, integer, list, port, secretText, span, structure, text, time } = settingKinds

export const serverSettings: readonly Setting[] = [
  setting('server.host', text, 'address on which the server listens', '127.0.0.1'),
  setting('server.port', port, 'port on which the server listens', 8_000),
  setting('server.authentication', choice('required', 'open'), 'whether callers must authenticate'),
  setting(
    'server.key',
    secretText,
    'an API key; an address other than loopback needs this key, server.jwt, or a key of `troupe api-keys create`',
  ),
  setting('server.jwt', structure, 'accepted JSON Web Tokens: { issuer, audience, algorithms, keys }'),
  setting('server.oidc', structure, 'sign-in to the studio: { issuer, clientId, clientSecret, roles }'),
  setting('server.hosts', list, 'host names that requests may use'),
  setting('server.origins', list, 'origins whose pages may call the server'),
  setting('server.publicUrl', text, 'URL at which callers reach the server; https makes cookies Secure'),
  setting('server.trustProxy', list, 'addresses of proxies whose X-Forwarded- headers are trusted'),
  setting('server.bodyLimit', integer(1_024, 2 ** 24), 'maximum of bytes of a request body', 1_048_576),
  setting('server.rateLimit', structure, 'limit of requests per caller; false turns it off'),
  setting('server.rateLimit.max', integer(1), 'requests within the window', 100),
  setting('server.rateLimit.window', time, 'the window in which requests are counted', '1m'),
  setting('server.heartbeat', span(10, '10ms'), 'interval of heartbeats of a stream', '15s'),
  setting('server.metrics', structure, 'serves /metrics on a separate port without authentication, also in workers'),
  setting('server.metrics.port', port, 'port of /metrics, such as 9464; 0 uses a free port'),
  setting('server.metrics.host', text, 'address of /metrics; loopback by default'),
  setting('server.drain', time, 'how long a shutdown waits for requests in progress', '10s'),
  setting('server.maxConnections', integer(1), 'maximum of open connections', 10_000),
  setting(
    'server.maxConnectionsPerAddress',
    integer(1),
    'maximum of open connections from one address that is not a trusted proxy',
    1_000,
  ),
  setting('server.maxStreams', integer(1), 'maximum of open streams of one key, token or session', 1_000),
  setting('server.requestTimeout', span(10, '10ms'), 'how long the server waits for a complete request', '30s'),
]
