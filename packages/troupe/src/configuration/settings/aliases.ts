/** The variable names of guides for other frameworks, and the settings that they set. */
import { providers } from '../../models/index.ts'

export type Alias =
  /** Sets a setting; `read` converts the value to the text that the setting reads. */
  | { readonly path: string; readonly read?: (text: string) => string | undefined; readonly description: string }
  /** Sets what is always on: rejected if the value turns it off. */
  | { readonly always: string; readonly description: string }
  /** Valid if `path` is set and the value turns it on, or if neither is; otherwise rejected. */
  | { readonly requires: string; readonly remedy: string; readonly description: string }

/** Guides give bare seconds. */
const seconds = (text: string) => (/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text)

const syntha: Readonly<Record<string, Alias>> = {
  SYNTHA_ENABLE_INDEXING: { always: 'every entry is found by an index', description: 'always on' },
  SYNTHA_ENABLE_PERSISTENCE: {
    always: 'accepted writes are durable; storage.url names the place',
    description: 'always on',
  },
  SYNTHA_AUTO_CLEANUP: {
    always: 'expired entries are removed; context.cleanup sets the interval',
    description: 'always on',
  },
  SYNTHA_CLEANUP_INTERVAL: { path: 'context.cleanup', read: seconds, description: 'in seconds' },
  SYNTHA_ENABLE_ENCRYPTION: {
    requires: 'encryption',
    remedy: 'Set TROUPE_ENCRYPTION_KEY to 32 bytes in hexadecimal or base64.',
    description: 'on with a key',
  },
  SYNTHA_AUDIT_LOGGING: { always: 'rejected actions are recorded', description: 'always on' },
  SYNTHA_USER_ISOLATION: { always: 'no user reads data of another', description: 'always on' },
  SYNTHA_HEALTH_CHECK_INTERVAL: {
    path: 'health.every',
    read: (text) => (text === '0' ? undefined : seconds(text)),
    description: 'in seconds; 0 is off',
  },
  SYNTHA_METRICS_RETENTION: { path: 'retention.metrics', read: seconds, description: 'in seconds' },
  SYNTHA_DEBUG_MODE: { path: 'debug', description: 'the same value' },
  SYNTHA_LOG_LEVEL: { path: 'log', description: 'DEBUG, INFO, WARNING or ERROR' },
}

const llmAgent: Readonly<Record<string, Alias>> = {
  AGENT_MODEL: { path: 'models.model', description: 'provider/model' },
  AGENT_API_KEY: { path: 'models.apiKey', description: 'for AGENT_MODEL' },
  AGENT_MAX_TOKENS: { path: 'models.defaults.maxOutputTokens', description: 'maximum of tokens in an answer' },
  AGENT_TEMPERATURE: { path: 'models.defaults.temperature', description: 'from 0 to 2' },
  AGENT_RATE_LIMIT: { path: 'models.limits.*.perMinute', description: 'calls per minute' },
  AGENT_CACHE_TTL: { path: 'models.cache.ttl', read: seconds, description: 'in seconds' },
  LOG_LEVEL: { path: 'log', description: 'also WARNING' },
}

const database: Readonly<Record<string, Alias>> = {
  DATABASE_URL: { path: 'storage.url', description: 'postgres://…' },
  DB_HOST: { path: 'storage.host', description: 'the same value' },
  DB_PORT: { path: 'storage.port', description: 'the same value' },
  DB_NAME: { path: 'storage.database', description: 'the same value' },
  DB_USER: { path: 'storage.user', description: 'the same value' },
  DB_PASSWORD: { path: 'storage.password', description: 'the same value' },
}

const others: Readonly<Record<string, Alias>> = {
  MARSYS_ENV: { path: 'profile', description: 'development, test or production' },
  MARSYS_LOG_LEVEL: { path: 'log', description: 'also WARNING' },
  API_KEY: { path: 'models.apiKey', description: 'the key of the model' },
  MAX_CONNECTIONS: { path: 'server.maxConnections', description: 'open connections to the server' },
  MESSAGE_TIMEOUT: {
    path: 'messaging.lease',
    read: seconds,
    description: 'in seconds: how long a handler may work on a message',
  },
}

/** Keys of providers, under the names that their packages use. */
const keys: Readonly<Record<string, Alias>> = Object.fromEntries(
  Object.entries(providers).map(([name, { key }]) => [
    key,
    { path: `models.keys.${name}`, description: `the API key of ${name}` },
  ]),
)

export const aliases: Readonly<Record<string, Alias>> = { ...syntha, ...llmAgent, ...database, ...others, ...keys }

/** Variables of the guides that do not concern a troupe, each with the program that reads it. */
export const notForTroupe: Readonly<Record<string, string>> = {
  POSTGRES_DB: 'the container of PostgreSQL',
  POSTGRES_USER: 'the container of PostgreSQL',
  POSTGRES_PASSWORD: 'the container of PostgreSQL',
}
