/** A room's schema in numbered steps. A released one is never edited. */
export interface Migration {
  /** The room that owns the tables. */
  readonly room: string
  /** 1, 2, 3 … within the room. */
  readonly version: number
  readonly name: string
  /**
   * The lowest version of this room's schema whose code can still read and write the database after this step; 0 where
   * even a release without the room can.
   */
  readonly lowestReader: number
  readonly up: { readonly sqlite: readonly string[]; readonly postgres: readonly string[] }
}
