/** The settings of storage, retention and encryption. */
import { portKind, type Setting, timeKind } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { integer, span, text, secretText, structure } = settingKinds

export const storageSettings: readonly Setting[] = [
  {
    path: 'storage.url',
    variable: 'TROUPE_STORAGE',
    kind: secretText,
    secret: true,
    description: 'memory:, sqlite:PATH or postgres://…',
    standard: 'sqlite:./data/troupe.db',
  },
  { path: 'storage.host', kind: text, description: 'host of PostgreSQL', standard: 'localhost' },
  { path: 'storage.port', kind: portKind, description: 'port of PostgreSQL', standard: 5_432 },
  { path: 'storage.database', kind: text, description: 'database of PostgreSQL' },
  { path: 'storage.user', kind: text, description: 'role of PostgreSQL that connects' },
  { path: 'storage.password', kind: secretText, secret: true, description: 'password of that role' },
  { path: 'storage.schema', kind: text, description: 'schema of all tables', standard: 'troupe' },
  { path: 'storage.tls', kind: structure, description: "true, 'none', or { ca, check }" },
  {
    path: 'storage.migrateUrl',
    kind: secretText,
    secret: true,
    description: 'connection URL of a role that may create tables',
  },
  {
    path: 'storage.listenUrl',
    kind: secretText,
    secret: true,
    description: 'connection URL without a pooler, for LISTEN',
  },
  { path: 'storage.poolSize', kind: integer(1, 1_000), description: 'connections in the pool', standard: 10 },
  {
    path: 'storage.poolOverflow',
    kind: integer(0, 1_000),
    description: 'additional connections while all are in use',
    standard: 0,
  },
  {
    path: 'storage.acquireTimeout',
    kind: timeKind,
    description: 'how long a change waits for a connection',
    standard: '10s',
  },
  {
    path: 'storage.statementTimeout',
    kind: timeKind,
    description: 'how long a statement may take',
    standard: '30s',
  },
  {
    path: 'storage.recycle',
    kind: span(1_000, '1s'),
    description: 'the age at which a connection is replaced',
    standard: '30m',
  },
  {
    path: 'blobs.fileBytes',
    kind: integer(1_024),
    description: 'smallest size in bytes of a file that is stored once per user',
    standard: 8_192,
  },
  {
    path: 'retention.changeIds',
    kind: timeKind,
    description: 'how long a repeated change is recognised',
    standard: '24h',
    live: true,
  },
  {
    path: 'retention.feed',
    kind: timeKind,
    description: 'how long the feed is stored; a watcher that was disconnected for longer resyncs',
    standard: '24h',
    live: true,
  },
  {
    path: 'retention.feedRevisions',
    kind: integer(1),
    description: 'maximum of revisions of a user in the feed',
    standard: 10_000,
    live: true,
  },
  {
    path: 'retention.replay',
    kind: timeKind,
    description: 'how long an ended run can be replayed and forked',
    standard: '30d',
    live: true,
  },
  {
    path: 'retention.runs',
    kind: timeKind,
    description: 'how long results of ended runs are stored',
    standard: '365d',
  },
  {
    path: 'retention.metrics',
    kind: span(60_000, '1m'),
    description: 'how long metrics of users are stored',
    standard: '7d',
  },
  {
    path: 'retention.every',
    kind: timeKind,
    description: 'interval of the cleanup of the storage',
    standard: '1m',
    live: true,
  },
  {
    path: 'encryption.key',
    kind: secretText,
    secret: true,
    description: 'key that encrypts stored values, 32 bytes in hexadecimal or base64',
  },
  { path: 'encryption.keyId', kind: text, description: 'id of encryption.key', standard: 'main' },
  {
    path: 'encryption.keys',
    kind: structure,
    secret: true,
    description: 'older keys that still decrypt, each { id, key }',
  },
  { path: 'encryption.current', kind: text, description: 'id of the key that encrypts' },
  { path: 'encryption.keyRing', kind: structure, description: 'a key service, only in code' },
]
