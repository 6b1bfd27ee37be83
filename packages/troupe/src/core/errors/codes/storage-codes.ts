/** Codes of storage. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const storageCodes = {
  'storage.owned': {
    class: errors.ConflictError,
    message: 'The database {path} is owned by process {pid} on {host}, since {since}.',
    hint: '{remedy} Use PostgreSQL for several processes.',
    status: 423,
  },
  'storage.foreign': {
    class: errors.ValidationError,
    message: '{path} is not a Troupe database: {problem}.',
    hint: 'Name another path. The file was not changed.',
  },
  'storage.corrupt': {
    class: errors.ProcessingError,
    message: 'The database {path} is damaged: {problem}.',
    hint: 'Restore a backup into an empty database. Without a backup, start with an empty one: move the file away with its -wal, or on PostgreSQL name a new schema. The database was not changed.',
  },
  'storage.too_new': {
    class: errors.ValidationError,
    message: 'The database {path} was written by a newer Troupe (schema {found}; this release reads up to {known}).',
    hint: 'Use the newer release. The file was not changed.',
  },
  'storage.incompatible': {
    class: errors.ValidationError,
    message: '{path} was made by an earlier, unreleased build of Troupe and cannot be migrated: it has {found}.',
    hint: 'Start with a new database file, or on PostgreSQL with a new schema. Nothing was changed.',
  },
  'storage.read_only': {
    class: errors.ExternalServiceError,
    message: 'The database {path} cannot be written: {problem}.',
    hint: 'Check the permissions of the file and its folder, and that the disk is not mounted read-only.',
    retryable: false,
  },
  'storage.writes_rejected': {
    class: errors.ExternalServiceError,
    message: 'The server of {path} accepts no writes: {problem}.',
    hint: 'After a failover, wait until the address leads to the new primary: each further change reconnects. Otherwise check default_transaction_read_only of the server, the database and the role. Nothing was changed.',
  },
  'storage.full': {
    class: errors.CapacityError,
    message: 'The disk that holds {path} is full; Troupe reads but does not write until there is space.',
    hint: 'Free some space, on SQLite at least as much as the file with -wal at the end of its name has: writing continues automatically. No acknowledged write was lost.',
    status: 507,
  },
  'storage.io': {
    class: errors.ExternalServiceError,
    message: 'Reading or writing {path} failed: {problem}.',
    hint: 'The change was not acknowledged. Check the disk and the limit of open files (ulimit -n) before trying again, and on PostgreSQL the log of the server and the schema.',
  },
  'storage.unreachable': {
    class: errors.ExternalServiceError,
    message: 'The database {path} cannot be reached: {problem}.',
    hint: 'Check its host and port, and that the server runs. The outcome of a sent change is unknown; it can be sent again with its id.',
  },
  'storage.connection_limit': {
    class: errors.CapacityError,
    message: 'The server of {path} accepts no further connection: {problem}.',
    hint: 'Lower poolSize and poolOverflow of the processes, end processes that are not needed, or raise max_connections of the server, the connection limit of the role or the database, or max_client_conn of pgbouncer.',
    status: 503,
  },
  'storage.denied': {
    class: errors.ExternalServiceError,
    message: 'The database {path} rejects this role: {problem}.',
    hint: 'Check user, password and database, their rules in pg_hba.conf, and the privileges of the role. If the role may not create, migrate or back up the tables, set migrateUrl to a role that may.',
    retryable: false,
  },
  'storage.untrusted': {
    class: errors.ExternalServiceError,
    message: 'The server of {path} is not trusted: {problem}.',
    hint: 'Renew an expired certificate, use the host name of the certificate, set tls.ca to its authority, and check that the server supports TLS.',
    retryable: false,
  },
  'storage.insecure': {
    class: errors.ValidationError,
    message: '{path} is not safe to use: {problem}.',
    hint: 'Log in as a role that is not a superuser, has no BYPASSRLS and does not own the tables; set migrateUrl to their owner, and do not remove row-level security.',
  },
  'storage.exhausted': {
    class: errors.CapacityError,
    message: 'No connection to {path} became free within {ms} ms; there are {connections}.',
    hint: 'Check that the server answers statements: a stopped or blocked server occupies every connection. If it does, raise poolSize, poolOverflow or acquireTimeout.',
    status: 503,
  },
  'storage.slow': {
    class: errors.TimeoutError,
    message: 'The server of {path} cancelled a statement: {problem}.',
    hint: 'Nothing was changed. Find out why the database is slow, or raise the limit: statementTimeout ({ms} ms), or a shorter statement_timeout of the role, the database or the server.',
  },
  'storage.busy': {
    class: errors.CapacityError,
    message: 'More than {limit} changes wait for the storage.',
    hint: 'Reduce the rate of changes; the waiting ones are executed.',
  },
  'storage.expectation': {
    class: errors.ConflictError,
    message: 'A change expected {expected} rows and found {found}.',
    hint: 'Read the current state and retry.',
  },
  'storage.not_empty': {
    class: errors.ConflictError,
    message: '{path} is not empty: {problem}.',
    hint: 'Name an empty or new path. Backups and restores overwrite nothing.',
  },
  'backup.unreadable': {
    class: errors.ValidationError,
    message: '{path} is not a backup that this release reads: {problem}.',
    hint: 'Name the complete folder that backup() created. A backup of a newer release needs that release.',
  },
  'backup.disk_full': {
    class: errors.CapacityError,
    message: 'The disk that was to hold {path} is full. The incomplete copy was removed.',
    hint: 'Free some space, or name a place on another disk, and repeat the call. The original was not changed.',
    status: 507,
  },
  'backup.unwritable': {
    class: errors.ExternalServiceError,
    message: 'The backup {path} cannot be written: {problem}.',
    hint: 'Check the permissions of its folder, or name a path in another one. The original was not changed.',
    retryable: false,
  },
  'backup.damaged': {
    class: errors.ProcessingError,
    message: 'The backup {path} is damaged: {problem}.',
    hint: 'Use another backup. Nothing was restored.',
  },
  'value.too_large': {
    class: errors.ValidationError,
    message: '{what} has {bytes} bytes; {limit} are allowed.',
    hint: 'Store large data elsewhere and refer to it, or split the value.',
    status: 413,
  },
} as const satisfies Record<string, CatalogueEntry>
