/** What opening a storage takes, whatever the engine. */
import type { Clock, Random } from '../core/index.ts'
import type { StorageRetention } from './cleanup/storage-retention.ts'
import type { Migration } from './migrations/migration.ts'
import type { PostgresOptions } from './postgres-options.ts'
import type { Storage } from './storage-port.ts'
import type { Faults } from './wrappers/faults.ts'

export interface OpenStorageOptions {
  /** `memory:`, `sqlite:PATH` or `postgres://…`. */
  readonly url: string
  /** Of all rooms that will use it, each room's numbered 1, 2, 3 … */
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly random: Random
  readonly retention?: StorageRetention
  /** What the URL of a PostgreSQL database does not say. */
  readonly postgres?: PostgresOptions
  /** On PostgreSQL `now` is the server's time, `engine`; with `clock` it is that of `clock`. SQLite's is always the clock's. */
  readonly time?: 'engine' | 'clock'
  /** Refuses a role that could see all users, as the owner of the tables does. Without it such a role serves. */
  readonly production?: boolean
  /** Lets the writer fail as it may in the world; for tests and simulation. */
  readonly faults?: Faults
}

/** A file that was named, and that opening would make. */
export interface AbsentFile {
  readonly path: string
  /** One beside it with a similar name, which may be the one that was meant. */
  readonly near?: string
}

/** Something about the database that a person should know. */
export interface StorageFinding {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'advice'
  readonly message: string
  readonly remedy: string
}

export interface OpenedStorage extends Storage {
  /** Looks at the database anew; empty where all is well. */
  check(): Promise<readonly StorageFinding[]>
  /** Where the owner of a file can be talked to, for whoever finds it owned; undefined takes it back. */
  announce(address: string | undefined): void
  /** Keeps for so long from now on. @throws ValidationError */
  setRetention(retention: StorageRetention): void
}
