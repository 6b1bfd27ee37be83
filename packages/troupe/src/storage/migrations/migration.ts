/** A migration: one version of the schema of a module. A released migration is never edited. */
export interface Migration {
  /** The module that owns the tables. */
  readonly module: string
  /** 1, 2, 3 … within the module. */
  readonly version: number
  /** What the migration does, for people. */
  readonly name: string
  /**
   * The lowest schema version of this module whose code can still use the database after this migration. 0 if even a
   * release without the module can. Never the migration's own version: the previous release continues to work.
   */
  readonly lowestReader: number
  /** The statements of the migration. */
  readonly up: {
    /** The statements for SQLite, in order. */
    readonly sqlite: readonly string[]
    /** The statements for PostgreSQL, in order. */
    readonly postgres: readonly string[]
  }
}

/**
 * Translates the tables to PostgreSQL: integers of 64 bits and texts ordered by their bytes, as in SQLite.
 * @example postgresTables(['create table notes (user_id text not null, seq integer not null) without rowid'])
 */
export const postgresTables = (sqlite: readonly string[]): readonly string[] =>
  sqlite.map((statement) =>
    /^\s*create table\b/i.test(statement)
      ? statement
          .replaceAll(/\s+without rowid/g, '')
          .replaceAll('integer primary key autoincrement', 'bigint generated always as identity primary key')
          .replaceAll(/\binteger\b/g, 'bigint')
          .replaceAll(/\b(\w+) text\b/g, '$1 text collate "C"')
      : statement,
  )

/**
 * Marks a table that is read across all users. The table holds no content, and row-level security does not apply to it.
 */
export const workTable = (name: string): string => `comment on table ${name} is 'work'`

interface TableRestriction {
  /** The privileges that the application loses, such as `update, delete`. */
  readonly revoke: string
  /** Whether the table is also a work table. */
  readonly work?: boolean
}

/** Restricts the application's privileges on a table. */
export const restrictTable = (name: string, { revoke, work = false }: TableRestriction): string =>
  `comment on table ${name} is '${work ? 'work; ' : ''}revoke ${revoke}'`
