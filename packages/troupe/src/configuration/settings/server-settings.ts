/** The options of `serve`. */
import { portKind, type Setting, timeKind } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { integer, span, choice, text, secretText, list, structure } = settingKinds

export const serverSettings: readonly Setting[] = [
  { path: 'server.host', kind: text, description: 'address on which the server listens', standard: '127.0.0.1' },
  { path: 'server.port', kind: portKind, description: 'port on which the server listens', standard: 8_000 },
  { path: 'server.authentication', kind: choice('required', 'open'), description: 'whether callers must authenticate' },
  {
    path: 'server.key',
    kind: secretText,
    secret: true,
    description:
      'an API key; an address other than loopback needs this key, server.jwt, or a key of `troupe api-keys create`',
  },
  {
    path: 'server.jwt',
    kind: structure,
    description: 'accepted JSON Web Tokens: { issuer, audience, algorithms, keys }',
  },
  {
    path: 'server.oidc',
    kind: structure,
    description: 'sign-in to the studio: { issuer, clientId, clientSecret, roles }',
  },
  { path: 'server.hosts', kind: list, description: 'host names that requests may use' },
  { path: 'server.origins', kind: list, description: 'origins whose pages may call the server' },
  {
    path: 'server.publicUrl',
    kind: text,
    description: 'URL at which callers reach the server; https makes cookies Secure',
  },
  {
    path: 'server.trustProxy',
    kind: list,
    description: 'addresses of proxies whose X-Forwarded- headers are trusted',
  },
  {
    path: 'server.bodyLimit',
    kind: integer(1_024, 2 ** 24),
    description: 'maximum of bytes of a request body',
    standard: 1_048_576,
  },
  { path: 'server.rateLimit', kind: structure, description: 'limit of requests per caller; false turns it off' },
  { path: 'server.rateLimit.max', kind: integer(1), description: 'requests within the window', standard: 100 },
  {
    path: 'server.rateLimit.window',
    kind: timeKind,
    description: 'the window in which requests are counted',
    standard: '1m',
  },
  {
    path: 'server.heartbeat',
    kind: span(10, '10ms'),
    description: 'interval of heartbeats of a stream',
    standard: '15s',
  },
  {
    path: 'server.metrics',
    kind: structure,
    description: 'serves /metrics on a separate port without authentication, also in workers',
  },
  { path: 'server.metrics.port', kind: portKind, description: 'port of /metrics, such as 9464; 0 uses a free port' },
  { path: 'server.metrics.host', kind: text, description: 'address of /metrics; loopback by default' },
  {
    path: 'server.drain',
    kind: timeKind,
    description: 'how long a shutdown waits for requests in progress',
    standard: '10s',
  },
  { path: 'server.maxConnections', kind: integer(1), description: 'maximum of open connections', standard: 10_000 },
  {
    path: 'server.maxConnectionsPerAddress',
    kind: integer(1),
    description: 'maximum of open connections from one address that is not a trusted proxy',
    standard: 1_000,
  },
  {
    path: 'server.maxStreams',
    kind: integer(1),
    description: 'maximum of open streams of one key, token or session',
    standard: 1_000,
  },
  {
    path: 'server.requestTimeout',
    kind: span(10, '10ms'),
    description: 'how long the server waits for a complete request',
    standard: '30s',
  },
]
