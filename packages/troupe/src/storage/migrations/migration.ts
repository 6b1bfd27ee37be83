/** A room's schema in numbered steps. A released one is never edited. */
export interface Migration {
  /** The room that owns the tables. */
  readonly module: string
  /** 1, 2, 3 … within the room. */
  readonly version: number
  readonly name: string
  /**
   * The lowest version of this room's schema whose code can still read and write the database after this step; 0 where
   * even a release without the room can. Never its own version: the release before a step works on.
   */
  readonly lowestReader: number
  readonly up: { readonly sqlite: readonly string[]; readonly postgres: readonly string[] }
}

/**
 * The same tables in PostgreSQL's words: integers of 64 bits, texts ordered by their bytes, as SQLite has both.
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

/** A table that is looked at over all users: it holds no content, and row-level security leaves it alone. */
export const workTable = (name: string): string => `comment on table ${name} is 'work'`

interface TableRestriction {
  /** What the application may not do, such as `update, delete`. */
  readonly revoke: string
  /** The table is a work table, too. */
  readonly work?: boolean
}

/** A table with which the application may do less than with others. */
export const restrictTable = (name: string, { revoke, work = false }: TableRestriction): string =>
  `comment on table ${name} is '${work ? 'work; ' : ''}revoke ${revoke}'`
