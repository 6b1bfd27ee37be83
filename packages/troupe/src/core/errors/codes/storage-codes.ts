/** Codes of storage. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const storageCodes = {
  'storage.owned': {
    class: errors.ConflictError,
    message: 'The database {path} is owned by process {pid} on {host}, since {since}.',
    hint: 'End that process, or talk to it. Several processes at once need PostgreSQL.',
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
    hint: 'Restore a backup, or move the file away and start with an empty one. The file was not changed.',
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
    hint: 'Check the permissions of the file and its folder, and that the disk is not mounted read-only; on PostgreSQL, that this is the primary and the database takes writes.',
    retryable: false,
  },
  'storage.full': {
    class: errors.CapacityError,
    message: 'The disk that holds {path} is full; Troupe reads but does not write until there is space.',
    hint: 'Free some space: writing continues automatically. No acknowledged write was lost.',
    status: 507,
  },
  'storage.io': {
    class: errors.ExternalServiceError,
    message: 'Reading or writing {path} failed: {problem}.',
    hint: 'The change was not acknowledged. Check the disk before trying again.',
  },
  'storage.unreachable': {
    class: errors.ExternalServiceError,
    message: 'The database {path} cannot be reached: {problem}.',
    hint: 'Check its host and port, and that the server runs. Whether a change was made that had been sent is not known; with its id it may be sent again.',
  },
  'storage.denied': {
    class: errors.ExternalServiceError,
    message: 'The database {path} does not let this role in: {problem}.',
    hint: 'Check user, password and database, and what pg_hba.conf says of them.',
    retryable: false,
  },
  'storage.untrusted': {
    class: errors.ExternalServiceError,
    message: 'The server of {path} is not trusted: {problem}.',
    hint: 'Name the host as its certificate does, give the authority that signed it as tls.ca, and see that the server speaks TLS.',
    retryable: false,
  },
  'storage.insecure': {
    class: errors.ValidationError,
    message: '{path} is not served: {problem}.',
    hint: 'Log in as a role that is not a superuser, has no BYPASSRLS and does not own the tables; let their owner be migrateUrl, and leave row-level security on.',
  },
  'storage.exhausted': {
    class: errors.CapacityError,
    message: 'No connection to {path} became free within {ms} ms; there are {connections}.',
    hint: 'Raise poolSize, poolOverflow or acquireTimeout.',
    status: 503,
  },
  'storage.slow': {
    class: errors.TimeoutError,
    message: 'The server of {path} gave a statement up, at {ms} ms or because it was told to: {problem}.',
    hint: 'Nothing was changed. Raise statementTimeout, or look for what holds the database up.',
  },
  'storage.busy': {
    class: errors.CapacityError,
    message: 'More than {limit} changes wait for the storage.',
    hint: 'Make changes more slowly; waiting changes continue.',
  },
  'storage.expectation': {
    class: errors.ConflictError,
    message: 'A change expected {expected} rows and found {found}.',
    hint: 'Read the current state and try again.',
  },
  'storage.not_empty': {
    class: errors.ConflictError,
    message: '{path} is not empty: {problem}.',
    hint: 'Name a place where there is nothing yet. Backups and restores overwrite nothing.',
  },
  'backup.unreadable': {
    class: errors.ValidationError,
    message: '{path} is not a backup that this release reads: {problem}.',
    hint: 'Name the folder that backup() made, whole; a backup of a newer release needs that release.',
  },
  'backup.damaged': {
    class: errors.ProcessingError,
    message: 'The backup {path} is damaged: {problem}.',
    hint: 'Use another backup. Nothing was restored.',
  },
  'value.too_large': {
    class: errors.ValidationError,
    message: '{what} has {bytes} bytes; {limit} are allowed.',
    hint: 'Store large things elsewhere and refer to them, or split the value.',
    status: 413,
  },
} as const satisfies Record<string, CatalogueEntry>
