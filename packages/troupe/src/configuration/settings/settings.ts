/**
 * Every setting of a deployment: its path in the configuration, its variable, its default, and whether it may change
 * while the troupe works. The loader, `reconfigure`, and docs/settings.md read this table.
 */
import { serviceTiers } from '../../models/index.ts'
import type { Setting } from './setting.ts'
import { type SettingKind, settingKinds } from './setting-kinds.ts'

const {
  integer,
  decimal,
  share,
  span,
  time,
  port,
  choice,
  flag,
  logLevel,
  text,
  secretText,
  list,
  structure,
  secretStructure,
} = settingKinds

const setting = (path: string, kind: SettingKind, description: string, standard?: unknown): Setting => ({
  path,
  kind,
  description,
  standard,
})

/** A setting that may change while running. */
const live = (...row: Parameters<typeof setting>): Setting => ({ ...setting(...row), live: true })

export const settings: readonly Setting[] = [
  // The troupe as a whole.
  setting(
    'profile',
    choice('development', 'test', 'production'),
    'the profile, which decides what is rejected at the start',
    'development',
  ),
  setting('requireUserId', flag, 'whether the user `default` is rejected; true in production'),
  live('log', logLevel, 'the lowest level that is logged to standard error', 'warn'),
  setting(
    'debug',
    flag,
    'log level debug, and stack traces in errors of the command line; rejected in production',
    false,
  ),
  setting('lease', span(1_000, '1s'), 'on PostgreSQL: how long a process owns its runs without a sign of life', '10s'),
  setting('presence.heartbeat', time, 'interval of the heartbeats of an agent', '5s'),
  setting('health', structure, 'health checks and their thresholds'),
  live(
    'health.every',
    span(1_000, '1s'),
    'interval of background health checks; without it, checks run only on request',
  ),
  live('health.memory', share, 'share of used memory above which the health is degraded', 0.9),
  live('health.disk', share, 'share of used disk space above which the health is degraded', 0.9),
  live('health.lag', span(1, '1ms'), 'delay of timers, context and messages above which the health is degraded', '1s'),
  live('health.queue', integer(1), 'waiting messages in one mailbox above which the health is degraded', 1_000),
  live('alerts', structure, 'alert rules and their notifications; false turns them off'),
  setting('watchdog', structure, 'reports work without progress; false turns it off'),
  setting('watchdog.after', span(1_000, '1s'), 'how long work may be without progress', '5m'),
  setting('traces', structure, 'which traces are stored; false stores none'),
  live('traces.retention', time, 'how long traces are stored', '7d'),
  live('traces.max', integer(1), 'maximum of stored traces of one user', 1_000),
  setting('otlp', secretStructure, 'a collector of OpenTelemetry that receives spans and metrics'),
  setting('audit', secretStructure, 'what the audit log records'),
  setting('egress', structure, 'hosts that tools may connect to'),
  setting('policy', structure, 'rules for untrusted input and sensitive data'),
  live('policies.agents', structure, 'retries, timeouts and other policies of steps, by agent or *'),
  live('policies.tools', structure, 'policies of calls, by tool or *'),
  live('policies.models', structure, 'policies of calls, by model or *'),
  setting('policies.storage', structure, 'policies of reads'),
  setting('limits', structure, 'what a run may use, and what a user may use in a day'),
  setting('roles', structure, 'roles in addition to the four built-in roles'),
  setting('prices', structure, 'US dollars per million tokens, by provider/model'),
  setting('contextWindows', structure, 'context windows in tokens, by provider/model'),
  live('shutdown.timeout', span(1_000, '1s'), 'how long a drain may take', '25s'),
  setting('restored', choice('wait', 'resume'), 'whether runs of a restored database wait or resume', 'wait'),
  setting('signals', flag, 'whether SIGTERM and SIGINT drain the troupe and end the process', false),
  setting('secrets', structure, 'sources of named secrets', ['environment']),
  setting('cassette', structure, 'replays recorded answers of models and tools; for tests'),
  // Storage, retention and encryption.
  {
    ...setting('storage.url', secretText, 'memory:, sqlite:PATH or postgres://…', 'sqlite:./data/troupe.db'),
    variable: 'TROUPE_STORAGE',
  },
  setting('storage.host', text, 'host of PostgreSQL', 'localhost'),
  setting('storage.port', port, 'port of PostgreSQL', 5_432),
  setting('storage.database', text, 'database of PostgreSQL'),
  setting('storage.user', text, 'role of PostgreSQL that connects'),
  setting('storage.password', secretText, 'password of that role'),
  setting('storage.schema', text, 'schema of all tables', 'troupe'),
  setting('storage.tls', structure, "true, 'none', or { ca, check }"),
  setting('storage.migrateUrl', secretText, 'connection URL of a role that may create tables'),
  setting('storage.listenUrl', secretText, 'connection URL without a pooler, for LISTEN'),
  setting('storage.poolSize', integer(1, 1_000), 'connections in the pool', 10),
  setting('storage.poolOverflow', integer(0, 1_000), 'additional connections while all are in use', 0),
  setting('storage.acquireTimeout', time, 'how long a change waits for a connection', '10s'),
  setting('storage.statementTimeout', time, 'how long a statement may take', '30s'),
  setting('storage.recycle', span(1_000, '1s'), 'the age at which a connection is replaced', '30m'),
  setting('blobs.fileBytes', integer(1_024), 'smallest size in bytes of a file that is stored once per user', 8_192),
  live('retention.changeIds', time, 'how long a repeated change is recognised', '24h'),
  live(
    'retention.feed',
    time,
    'how long the feed is stored; a watcher that was disconnected for longer resyncs',
    '24h',
  ),
  live('retention.feedRevisions', integer(1), 'maximum of revisions of a user in the feed', 10_000),
  live('retention.replay', time, 'how long an ended run can be replayed and forked', '30d'),
  setting('retention.runs', time, 'how long results of ended runs are stored', '365d'),
  setting('retention.metrics', span(60_000, '1m'), 'how long metrics of users are stored', '7d'),
  live('retention.every', time, 'interval of the cleanup of the storage', '1m'),
  setting('encryption.key', secretText, 'key that encrypts stored values, 32 bytes in hexadecimal or base64'),
  setting('encryption.keyId', text, 'id of encryption.key', 'main'),
  setting('encryption.keys', secretStructure, 'older keys that still decrypt, each { id, key }'),
  setting('encryption.current', text, 'id of the key that encrypts'),
  setting('encryption.keyRing', structure, 'a key service, only in code'),
  // Context, messages and models.
  live('context.cleanup', span(1_000, '1s'), 'interval of the cleanup of expired entries', '5m'),
  live('context.limits', structure, 'limits of entries and bytes of a user, topics and history'),
  setting('context.lifecycles', structure, 'named lifecycles in addition to the five built-in ones'),
  live('messaging.lease', time, 'how long a consumer holds a delivery', '30s'),
  live('messaging.maxAttempts', integer(1), 'deliveries of a message before it becomes a dead letter', 5),
  live('messaging.capacity.count', integer(1), 'maximum of messages in a mailbox', 10_000),
  live('messaging.capacity.bytes', integer(1_000), 'maximum of bytes in a mailbox', 64 * 1024 * 1024),
  setting('messaging.retention', time, 'how long the record of a handled message is stored', '24h'),
  setting('messaging.dedupe', span(1_000, '1s'), 'how long a dedupe id is remembered', '24h'),
  live('messaging.backpressure', choice('reject', 'wait', 'drop-oldest'), 'what a full mailbox does', 'reject'),
  setting('messaging.signatures', secretStructure, 'signatures that prove the sender of a message'),
  { ...setting('models.model', text, 'model of agents that name none, as provider/model'), variable: 'TROUPE_MODEL' },
  setting('models.apiKey', secretText, 'API key for models.model'),
  setting('models.keys', secretStructure, 'API keys by provider'),
  setting('models.registry', structure, 'names for models or for chains of models'),
  setting('models.defaults.maxOutputTokens', integer(1), 'maximum of tokens in an answer'),
  setting('models.defaults.temperature', decimal(0, 2), 'temperature of agents that name none'),
  setting('models.defaults.topP', decimal(0, 1), 'top-p of agents that name none'),
  setting('models.defaults.stop', list, 'texts that end an answer'),
  setting('models.defaults.seed', integer(0), 'seed of random choices, for providers that accept one'),
  setting('models.defaults.reasoning', structure, 'effort and maximum of tokens for reasoning'),
  setting('models.defaults.serviceTier', choice(...serviceTiers), 'service tier, for providers that have tiers'),
  setting('models.defaults.promptCache', flag, 'whether prompts are marked to be cached', true),
  setting('models.defaults.parallelToolCalls', flag, 'whether one answer may call several tools'),
  setting('models.defaults.providerOptions', structure, 'further options, by provider'),
  live('models.limits', structure, 'concurrent calls and calls per minute, by model, provider or *'),
  {
    ...setting('models.limits.*.perMinute', integer(1), 'maximum of calls of all models within any minute'),
    variable: 'TROUPE_MODELS_PER_MINUTE',
  },
  setting('models.breaker.failures', integer(1), 'failures in a row before the circuit of a model opens', 5),
  setting('models.breaker.pause', time, 'how long the circuit stays open', '60s'),
  live('models.attempts', integer(1), 'attempts with one model before the next model of its chain', 3),
  setting('models.idle', time, 'how long a stream may send nothing before it is closed', '5m'),
  setting('models.cache.max', integer(1, 1_000_000), 'maximum of answers in the cache', 1_000),
  setting('models.cache.ttl', time, 'how long an answer stays in the cache', '1h'),
  setting('models.embedding', structure, 'the model that computes vectors of texts'),
  setting('models.reranking', structure, 'the model that orders what a search finds'),
  // The options of `serve`.
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
