/** Options for opening a storage of either engine. */
import type { Clock, Random } from '../core/index.ts'
import type { StorageRetention } from './cleanup/storage-retention.ts'
import type { Migration } from './migrations/migration.ts'
import type { PostgresOptions } from './postgres-options.ts'
import type { Storage } from './storage-port.ts'
import type { Faults } from './wrappers/faults.ts'

/** Options of `openStorage`. */
export interface OpenStorageOptions {
  /** `memory:`, `sqlite:PATH` or `postgres://…`. */
  readonly url: string
  /** The migrations of all modules that will use the storage, numbered 1, 2, 3 … within each module. */
  readonly migrations: readonly Migration[]
  /** The clock of the storage; on PostgreSQL, `now` is the server's time by default. */
  readonly clock: Clock
  /** The source of jitter and ids. */
  readonly random: Random
  /** The retention of rows that only the storage needs; the defaults are those of `StorageRetention`. */
  readonly retention?: StorageRetention
  /** Options of a PostgreSQL database that its URL does not contain. */
  readonly postgres?: PostgresOptions
  /**
   * The source of `now` on PostgreSQL: `engine` is the server's time, `clock` that of `clock`. SQLite always uses
   * `clock`.
   */
  readonly time?: 'engine' | 'clock'
  /**
   * Called once a second, and before `openStorage` resolves, with the time of a PostgreSQL server.
   * @param at in whole ms since 1970
   * @param asked the time of `clock` before the server read its own, and `answered` the time after that
   */
  readonly onServerTime?: (at: number, asked: number, answered: number) => void
  /**
   * Numbers in PostgreSQL tables of one row, which only the owner of the tables may change; none by default. They are
   * written at each opening if the login that migrates owns the tables.
   */
  readonly ownerSettings?: readonly {
    /** The name of the table. */
    readonly table: string
    /** The name of the column. */
    readonly column: string
    /** The value of the column. */
    readonly value: number
  }[]
  /** Rejects a role that can read the rows of all users, such as the owner of the tables. Allowed by default. */
  readonly production?: boolean
  /** Lets the writer fail as a real one can; for tests and simulation. */
  readonly faults?: Faults
}

/** A named file that does not exist and that opening would create. */
export interface AbsentFile {
  /** The path of the file. */
  readonly path: string
  /** The name of an existing file beside it that is similar, and may be the intended one. */
  readonly near?: string
}

/** A problem of the database that an operator should know. */
export interface StorageFinding {
  /** The stable code of the finding. */
  readonly code: string
  /**
   * `error`: the database cannot be used as it is; `warning`: it should be changed soon; `advice`: it could be better.
   */
  readonly severity: 'error' | 'warning' | 'advice'
  /** The problem, for people. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}

/** An opened storage, with the operations of its owner. */
export interface OpenedStorage extends Storage {
  /** Checks the database again; empty if there is no problem. */
  check(): Promise<readonly StorageFinding[]>
  /** Publishes the address of the owning process for a process that finds the file owned; undefined withdraws it. */
  announce(address: string | undefined): void
  /** Changes the retention from now on. @throws ValidationError */
  setRetention(retention: StorageRetention): void
}
