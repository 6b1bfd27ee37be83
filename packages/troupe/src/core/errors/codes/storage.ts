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
    hint: 'Restore a backup, or move the file away and start anew. The file was not changed.',
  },
  'storage.too_new': {
    class: errors.ValidationError,
    message: 'The database {path} was written by a newer Troupe (schema {found}; this release reads up to {known}).',
    hint: 'Use the newer release. The file was not changed.',
  },
  'storage.read_only': {
    class: errors.ExternalServiceError,
    message: 'The database {path} cannot be written: {problem}.',
    hint: 'Check the permissions of the file and its folder, and that the disk is not mounted read-only.',
    retryable: false,
  },
  'storage.full': {
    class: errors.CapacityError,
    message: 'The disk that holds {path} is full; Troupe reads but does not write until there is space.',
    hint: 'Free some space: writing goes on by itself. Nothing acknowledged was lost.',
    status: 507,
  },
  'storage.io': {
    class: errors.ExternalServiceError,
    message: 'Reading or writing {path} failed: {problem}.',
    hint: 'The change was not acknowledged. Check the disk before trying again.',
  },
  'storage.busy': {
    class: errors.CapacityError,
    message: 'More than {limit} changes wait for the storage.',
    hint: 'Make changes more slowly; what waits goes on.',
  },
  'storage.expectation': {
    class: errors.ConflictError,
    message: 'A change expected {expected} rows and found {found}.',
    hint: 'Read the current state and try again.',
  },
  'value.too_large': {
    class: errors.ValidationError,
    message: '{what} has {bytes} bytes; {limit} are allowed.',
    hint: 'Store large things elsewhere and refer to them, or split the value.',
    status: 413,
  },
} as const satisfies Record<string, CatalogueEntry>
