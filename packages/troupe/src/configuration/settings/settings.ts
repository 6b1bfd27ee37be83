/**
 * Every setting of a deployment: its path in the configuration, its variable, its default, and whether it may change
 * while the troupe works. The loader, `reconfigure`, and docs/configuration.md read this table.
 */
import { serviceTiers } from '../../models/index.ts'
import { type SettingKind, settingKinds } from './setting-kinds.ts'

export interface Setting {
  /** Its place in the configuration. */
  readonly path: string
  readonly kind: SettingKind
  readonly description: string
  /** The default; absent if there is none. */
  readonly standard?: unknown
  /** Where its variable is not made from its path. */
  readonly variable?: string
  /** Never shown. */
  readonly secret?: true
  /** May change while running. */
  readonly live?: true
}

const { integer, decimal, span, choice, flag, text, secretText, list, logLevel, structure } = settingKinds
const port = integer(0, 65_535)
const time = span(1, '1ms')
const share = decimal(0, 1)

const general: readonly Setting[] = [
  {
    path: 'profile',
    kind: choice('development', 'test', 'production'),
    description: 'what is refused',
    standard: 'development',
  },
  { path: 'requireUserId', kind: flag, description: 'refuses the user default; on in production' },
  { path: 'log', kind: logLevel, description: 'what goes to standard error', standard: 'warn', live: true },
  {
    path: 'debug',
    kind: flag,
    description: 'level debug, and stacks of failures of the command line; refused in production',
    standard: false,
  },
  {
    path: 'lease',
    kind: span(1_000, '1s'),
    description: 'on PostgreSQL: a silent process keeps its runs for so long',
    standard: '10s',
  },
  { path: 'presence.heartbeat', kind: time, description: 'between signs of life of an agent', standard: '5s' },
  { path: 'health', kind: structure, description: 'how it looks after itself' },
  {
    path: 'health.every',
    kind: span(1_000, '1s'),
    description: 'between looks at itself; only when asked where absent',
    live: true,
  },
  {
    path: 'health.memory',
    kind: share,
    description: 'share of the memory beyond which it is degraded',
    standard: 0.9,
    live: true,
  },
  { path: 'health.disk', kind: share, description: 'share of the disk', standard: 0.9, live: true },
  {
    path: 'health.lag',
    kind: span(1, '1ms'),
    description: 'lateness of timers, and of answers of context and messages',
    standard: '1s',
    live: true,
  },
  {
    path: 'health.queue',
    kind: integer(1),
    description: 'messages waiting in one mailbox',
    standard: 1_000,
    live: true,
  },
  { path: 'alerts', kind: structure, description: 'rules and their notifications; false: none', live: true },
  { path: 'watchdog', kind: structure, description: 'work of which nothing is heard; false: not looked for' },
  { path: 'watchdog.after', kind: span(1_000, '1s'), description: 'for so long', standard: '5m' },
  { path: 'traces', kind: structure, description: 'which traces are stored; false: none' },
  { path: 'traces.retention', kind: time, description: 'how long traces are stored', standard: '7d', live: true },
  { path: 'traces.max', kind: integer(1), description: 'stored traces of one user', standard: 1_000, live: true },
  { path: 'otlp', kind: structure, secret: true, description: 'where spans and metrics go besides' },
  { path: 'audit', kind: structure, secret: true, description: 'what is recorded of who did what' },
  { path: 'egress', kind: structure, description: 'where tools may go' },
  { path: 'policy', kind: structure, description: 'what untrusted input and sensitive data forbid' },
  { path: 'policies.agents', kind: structure, description: 'guards of steps, by agent or *', live: true },
  { path: 'policies.tools', kind: structure, description: 'guards of calls, by tool or *', live: true },
  { path: 'policies.models', kind: structure, description: 'guards of calls, by model or *', live: true },
  { path: 'policies.storage', kind: structure, description: 'guards of reads' },
  { path: 'limits', kind: structure, description: 'what a run, and a user in a day, may use at most' },
  { path: 'roles', kind: structure, description: 'roles besides the four' },
  { path: 'prices', kind: structure, description: 'US dollars per million tokens, by provider/model' },
  { path: 'contextWindows', kind: structure, description: 'Context windows in tokens, by provider/model' },
  {
    path: 'shutdown.timeout',
    kind: span(1_000, '1s'),
    description: 'how long a drain may take',
    standard: '25s',
    live: true,
  },
  {
    path: 'restored',
    kind: choice('wait', 'resume'),
    description: 'what a restored database does at first',
    standard: 'wait',
  },
  {
    path: 'signals',
    kind: flag,
    description: 'SIGTERM and SIGINT drain the troupe and end the process',
    standard: false,
  },
  { path: 'secrets', kind: structure, description: 'where named secrets are looked for', standard: ['environment'] },
  { path: 'cassette', kind: structure, description: 'plays what models and tools said once; for tests' },
]

const storage: readonly Setting[] = [
  {
    path: 'storage.url',
    variable: 'TROUPE_STORAGE',
    kind: secretText,
    secret: true,
    description: 'memory:, sqlite:PATH or postgres://…',
    standard: 'sqlite:./data/troupe.db',
  },
  { path: 'storage.host', kind: text, description: 'of PostgreSQL', standard: 'localhost' },
  { path: 'storage.port', kind: port, description: 'of PostgreSQL', standard: 5_432 },
  { path: 'storage.database', kind: text, description: 'of PostgreSQL' },
  { path: 'storage.user', kind: text, description: 'of PostgreSQL' },
  { path: 'storage.password', kind: secretText, secret: true, description: 'of PostgreSQL' },
  { path: 'storage.schema', kind: text, description: 'that holds all tables', standard: 'troupe' },
  { path: 'storage.tls', kind: structure, description: "true, 'none', or { ca, check }" },
  { path: 'storage.migrateUrl', kind: secretText, secret: true, description: 'a role that may create tables' },
  { path: 'storage.listenUrl', kind: secretText, secret: true, description: 'past a pooler, straight to the server' },
  { path: 'storage.poolSize', kind: integer(1, 1_000), description: 'connections in the pool', standard: 10 },
  {
    path: 'storage.poolOverflow',
    kind: integer(0, 1_000),
    description: 'more of them while all are in use',
    standard: 0,
  },
  {
    path: 'storage.acquireTimeout',
    kind: time,
    description: 'how long a change waits for a connection',
    standard: '10s',
  },
  {
    path: 'storage.statementTimeout',
    kind: time,
    description: 'after so long the server gives a statement up',
    standard: '30s',
  },
  {
    path: 'storage.recycle',
    kind: span(1_000, '1s'),
    description: 'the age at which a connection is replaced',
    standard: '30m',
  },
  {
    path: 'retention.changeIds',
    kind: time,
    description: 'a repeated change is recognised within',
    standard: '24h',
    live: true,
  },
  {
    path: 'retention.feed',
    kind: time,
    description: 'a watcher that was away for longer resyncs',
    standard: '24h',
    live: true,
  },
  {
    path: 'retention.feedRevisions',
    kind: integer(1),
    description: 'revisions of a user in the feed',
    standard: 10_000,
    live: true,
  },
  {
    path: 'retention.replay',
    kind: time,
    description: 'an ended run can be replayed and forked',
    standard: '30d',
    live: true,
  },
  { path: 'retention.runs', kind: time, description: 'how long results of ended runs stay', standard: '365d' },
  { path: 'retention.metrics', kind: span(1, '1m'), description: 'how long metrics of users stay', standard: '7d' },
  {
    path: 'retention.every',
    kind: span(1, '1ms'),
    description: 'between clean-ups of the storage',
    standard: '1m',
    live: true,
  },
  {
    path: 'encryption.key',
    kind: secretText,
    secret: true,
    description: '32 bytes in hexadecimal or base64: seals what is stored',
  },
  { path: 'encryption.keyId', kind: text, description: 'the id of that key', standard: 'main' },
  {
    path: 'encryption.keys',
    kind: structure,
    secret: true,
    description: '{ id, key } each: older keys that still open',
  },
  { path: 'encryption.current', kind: text, description: 'the id of the key that seals' },
  { path: 'encryption.keyRing', kind: structure, description: 'a key service, in code' },
]

const work: readonly Setting[] = [
  {
    path: 'context.cleanup',
    kind: span(1_000, '1s'),
    description: 'between clean-ups of expired entries',
    standard: '5m',
    live: true,
  },
  { path: 'context.limits', kind: structure, description: 'entries and bytes of a user, topics, history', live: true },
  { path: 'context.lifecycles', kind: structure, description: 'named lifecycles besides the five' },
  {
    path: 'messaging.lease',
    kind: time,
    description: 'how long a delivery stays with its consumer',
    standard: '30s',
    live: true,
  },
  {
    path: 'messaging.maxAttempts',
    kind: integer(1),
    description: 'deliveries before the dead letters',
    standard: 5,
    live: true,
  },
  {
    path: 'messaging.capacity.count',
    kind: integer(1),
    description: 'messages of a mailbox',
    standard: 10_000,
    live: true,
  },
  {
    path: 'messaging.capacity.bytes',
    kind: integer(1),
    description: 'bytes of a mailbox',
    standard: 64 * 1024 * 1024,
    live: true,
  },
  {
    path: 'messaging.retention',
    kind: time,
    description: 'how long the record of a handled message is stored',
    standard: '24h',
  },
  {
    path: 'messaging.dedupe',
    kind: time,
    description: 'how long a dedupe id is known',
    standard: '24h',
  },
  {
    path: 'messaging.backpressure',
    kind: choice('reject', 'wait', 'drop-oldest'),
    description: 'what a full mailbox does',
    standard: 'reject',
    live: true,
  },
  { path: 'messaging.signatures', kind: structure, secret: true, description: 'proves who sent a message' },
  {
    path: 'models.model',
    variable: 'TROUPE_MODEL',
    kind: text,
    description: 'provider/model of agents that name none',
  },
  { path: 'models.apiKey', kind: secretText, secret: true, description: 'for that model' },
  { path: 'models.keys', kind: structure, secret: true, description: 'API keys by provider' },
  { path: 'models.registry', kind: structure, description: 'names for models or chains' },
  { path: 'models.defaults.maxOutputTokens', kind: integer(1), description: 'of an answer' },
  { path: 'models.defaults.temperature', kind: decimal(0, 2), description: 'of agents that say none' },
  { path: 'models.defaults.topP', kind: decimal(0, 1), description: 'of agents that say none' },
  { path: 'models.defaults.stop', kind: list, description: 'texts that end an answer' },
  { path: 'models.defaults.seed', kind: integer(0), description: 'of random choices, of providers that take one' },
  { path: 'models.defaults.reasoning', kind: structure, description: 'effort, and tokens at most' },
  { path: 'models.defaults.serviceTier', kind: choice(...serviceTiers), description: 'of providers that have tiers' },
  { path: 'models.defaults.promptCache', kind: flag, description: 'marks prompts to be cached', standard: true },
  { path: 'models.defaults.parallelToolCalls', kind: flag, description: 'whether one answer may call several tools' },
  { path: 'models.defaults.providerOptions', kind: structure, description: 'options by the name of a provider' },
  {
    path: 'models.limits',
    kind: structure,
    description: 'calls at once and a minute, by model, provider or *',
    live: true,
  },
  {
    path: 'models.limits.*.perMinute',
    variable: 'TROUPE_MODELS_PER_MINUTE',
    kind: integer(1),
    description: 'calls of all models within any minute',
  },
  {
    path: 'models.breaker.failures',
    kind: integer(1),
    description: 'failures in a row before the circuit of a model opens',
    standard: 5,
  },
  { path: 'models.breaker.pause', kind: time, description: 'for so long', standard: '60s' },
  {
    path: 'models.attempts',
    kind: integer(1),
    description: 'of one model before the next of its chain',
    standard: 3,
    live: true,
  },
  { path: 'models.idle', kind: time, description: 'a stream that says nothing for so long is cut', standard: '5m' },
  { path: 'models.cache.max', kind: integer(1), description: 'answers in the cache', standard: 1_000 },
  { path: 'models.cache.ttl', kind: time, description: 'for so long', standard: '1h' },
  { path: 'models.embedding', kind: structure, description: 'turns texts into vectors' },
]

/** The options of `serve`. */
const server: readonly Setting[] = [
  { path: 'server.host', kind: text, description: 'where it listens', standard: '127.0.0.1' },
  { path: 'server.port', kind: port, description: 'where it listens', standard: 8_000 },
  { path: 'server.authentication', kind: choice('required', 'open'), description: 'whether callers show who they are' },
  {
    path: 'server.key',
    kind: secretText,
    secret: true,
    description:
      'an API key; that, jwt or a key of troupe api-keys create is needed where it listens beyond this machine',
  },
  { path: 'server.jwt', kind: structure, description: 'tokens of others: { issuer, audience, algorithms, keys }' },
  {
    path: 'server.oidc',
    kind: structure,
    description: 'sign-in to the studio: { issuer, clientId, clientSecret, roles }',
  },
  { path: 'server.hosts', kind: list, description: 'names that it is called by' },
  { path: 'server.origins', kind: list, description: 'pages of other sites that may call it' },
  { path: 'server.publicUrl', kind: text, description: 'where callers reach it; https makes cookies Secure' },
  {
    path: 'server.trustProxy',
    kind: list,
    description: 'addresses of proxies whose X-Forwarded- headers are believed',
  },
  { path: 'server.bodyLimit', kind: integer(1_024, 2 ** 24), description: 'bytes of a request', standard: 1_048_576 },
  { path: 'server.rateLimit', kind: structure, description: 'requests of each caller; false: any number' },
  { path: 'server.rateLimit.max', kind: integer(1), description: 'within the window', standard: 100 },
  { path: 'server.rateLimit.window', kind: time, description: 'in which they are counted', standard: '1m' },
  { path: 'server.heartbeat', kind: time, description: 'between signs of life of a stream', standard: '15s' },
  {
    path: 'server.metrics',
    kind: structure,
    description: '/metrics on a port of its own, without a key, of workers too',
  },
  { path: 'server.metrics.port', kind: port, description: 'such as 9464; 0 takes a free one' },
  { path: 'server.metrics.host', kind: text, description: 'where that listens; this machine alone where absent' },
  { path: 'server.drain', kind: time, description: 'how long what is under way is waited for', standard: '10s' },
  { path: 'server.maxConnections', kind: integer(1), description: 'open at once', standard: 10_000 },
  {
    path: 'server.maxConnectionsPerAddress',
    kind: integer(1),
    description: 'open at once of one address that is not a proxy',
    standard: 1_000,
  },
  {
    path: 'server.maxStreams',
    kind: integer(1),
    description: 'streams that one key, token or session has open at once',
    standard: 1_000,
  },
  { path: 'server.requestTimeout', kind: time, description: 'within which a request is read', standard: '30s' },
]

export const settings: readonly Setting[] = [...general, ...storage, ...work, ...server]

/** `messaging.maxAttempts` is `TROUPE_MESSAGING_MAX_ATTEMPTS`. */
export const variableOf = ({ path, variable }: Setting): string =>
  variable ??
  `TROUPE_${path
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`

/** Returns the names directly below a path of the configuration. */
export const childrenOf = (path: string): readonly string[] => [
  ...new Set(
    settings.flatMap((setting) =>
      setting.path.startsWith(`${path}.`) ? [setting.path.slice(path.length + 1).split('.')[0] as string] : [],
    ),
  ),
]

export const settingAt = (path: string): Setting | undefined => settings.find((setting) => setting.path === path)
