/** The variable names of guides for other frameworks, and the settings that they set. */
import { providers } from '../../models/index.ts'

export type Alias =
  /** Sets a setting; `read` converts the value to the text that the setting reads. */
  | { readonly path: string; readonly read: (text: string) => string | undefined; readonly description: string }
  /** Sets what is always on: rejected if the value turns it off. */
  | { readonly always: string; readonly description: string }
  /** Valid if `path` is set and the value turns it on, or if neither is; otherwise rejected. */
  | { readonly requires: string; readonly remedy: string; readonly description: string }

/** Guides give bare seconds. */
const seconds = (text: string) => (/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text)

const sets = (path: string, description: string, read = (text: string): string | undefined => text): Alias => ({
  path,
  description,
  read,
})

/** Names what is on anyway. */
const always = (what: string): Alias => ({ always: what, description: 'always on' })

const syntha: Readonly<Record<string, Alias>> = {
  SYNTHA_ENABLE_INDEXING: always('every entry is found by an index'),
  SYNTHA_ENABLE_PERSISTENCE: always('accepted writes are durable; storage.url names the place'),
  SYNTHA_AUTO_CLEANUP: always('expired entries are removed; context.cleanup sets the interval'),
  SYNTHA_CLEANUP_INTERVAL: sets('context.cleanup', 'in seconds', seconds),
  SYNTHA_ENABLE_ENCRYPTION: {
    requires: 'encryption',
    remedy: 'Set TROUPE_ENCRYPTION_KEY to 32 bytes in hexadecimal or base64.',
    description: 'on with a key',
  },
  SYNTHA_AUDIT_LOGGING: always('rejected actions are recorded'),
  SYNTHA_USER_ISOLATION: always('no user reads data of another'),
  SYNTHA_HEALTH_CHECK_INTERVAL: sets('health.every', 'in seconds; 0 is off', (text) =>
    text === '0' ? undefined : seconds(text),
  ),
  SYNTHA_METRICS_RETENTION: sets('retention.metrics', 'in seconds', seconds),
  SYNTHA_DEBUG_MODE: sets('debug', 'the same value'),
  SYNTHA_LOG_LEVEL: sets('log', 'DEBUG, INFO, WARNING or ERROR'),
}

const llmAgent: Readonly<Record<string, Alias>> = {
  AGENT_MODEL: sets('models.model', 'provider/model'),
  AGENT_API_KEY: sets('models.apiKey', 'for AGENT_MODEL'),
  AGENT_MAX_TOKENS: sets('models.defaults.maxOutputTokens', 'maximum of tokens in an answer'),
  AGENT_TEMPERATURE: sets('models.defaults.temperature', 'from 0 to 2'),
  AGENT_RATE_LIMIT: sets('models.limits.*.perMinute', 'calls per minute'),
  AGENT_CACHE_TTL: sets('models.cache.ttl', 'in seconds', seconds),
  LOG_LEVEL: sets('log', 'also WARNING'),
}

const database: Readonly<Record<string, Alias>> = {
  DATABASE_URL: sets('storage.url', 'postgres://…'),
  DB_HOST: sets('storage.host', 'the same value'),
  DB_PORT: sets('storage.port', 'the same value'),
  DB_NAME: sets('storage.database', 'the same value'),
  DB_USER: sets('storage.user', 'the same value'),
  DB_PASSWORD: sets('storage.password', 'the same value'),
}

const others: Readonly<Record<string, Alias>> = {
  MARSYS_ENV: sets('profile', 'development, test or production'),
  MARSYS_LOG_LEVEL: sets('log', 'also WARNING'),
  API_KEY: sets('models.apiKey', 'the key of the model'),
  MAX_CONNECTIONS: sets('server.maxConnections', 'open connections to the server'),
  MESSAGE_TIMEOUT: sets('messaging.lease', 'in seconds: how long a handler may work on a message', seconds),
}

/** Keys of providers, under the names that their packages use. */
const keys: Readonly<Record<string, Alias>> = Object.fromEntries(
  Object.entries(providers).map(([name, { key }]) => [key, sets(`models.keys.${name}`, `the API key of ${name}`)]),
)

export const aliases: Readonly<Record<string, Alias>> = { ...syntha, ...llmAgent, ...database, ...others, ...keys }

/** Variables of the guides that do not concern a troupe, each with the program that reads it. */
export const notForTroupe: Readonly<Record<string, string>> = {
  POSTGRES_DB: 'the container of PostgreSQL',
  POSTGRES_USER: 'the container of PostgreSQL',
  POSTGRES_PASSWORD: 'the container of PostgreSQL',
}
