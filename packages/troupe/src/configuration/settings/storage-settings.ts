/** The settings of storage, retention and encryption. */
import { liveSetting, type Setting, setting } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { integer, port, secretStructure, secretText, span, structure, text, time } = settingKinds

export const storageSettings: readonly Setting[] = [
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
  liveSetting('retention.changeIds', time, 'how long a repeated change is recognised', '24h'),
  liveSetting(
    'retention.feed',
    time,
    'how long the feed is stored; a watcher that was disconnected for longer resyncs',
    '24h',
  ),
  liveSetting('retention.feedRevisions', integer(1), 'maximum of revisions of a user in the feed', 10_000),
  liveSetting('retention.replay', time, 'how long an ended run can be replayed and forked', '30d'),
  setting('retention.runs', time, 'how long results of ended runs are stored', '365d'),
  setting('retention.metrics', span(60_000, '1m'), 'how long metrics of users are stored', '7d'),
  liveSetting('retention.every', time, 'interval of the cleanup of the storage', '1m'),
  setting('encryption.key', secretText, 'key that encrypts stored values, 32 bytes in hexadecimal or base64'),
  setting('encryption.keyId', text, 'id of encryption.key', 'main'),
  setting('encryption.keys', secretStructure, 'older keys that still decrypt, each { id, key }'),
  setting('encryption.current', text, 'id of the key that encrypts'),
  setting('encryption.keyRing', structure, 'a key service, only in code'),
]
