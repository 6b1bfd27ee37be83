/**
 * The order of cells between the queue and the writer. A text of SQL is sent once; afterwards its slot identifies it.
 *
 * Per change: id, user ('' for work), number of statements, number of feed items. Per statement: slot of its SQL, or a
 * new text and the slot it gets; mode, two bounds; number of binds, the binds. Per feed item: kind, key, data.
 *
 * Per outcome: its kind. For `done`: time, revision, and per statement the rows affected. If the mode includes
 * `returns`: the names of columns, the number of rows, the values. For `repeated`: time, revision. For `unexpected`:
 * statement, rows found. For `invalid`: message. For `retry`, the answer to a slice only: no further cells.
 */

/** How the count of a statement is checked; `returns` is added if its rows are returned. */
export const mode = { sameAs: 1, returns: 2 } as const

export const outcome = { done: 0, repeated: 1, unexpected: 2, invalid: 3, retry: 4 } as const

/** The number of prepared statements in the cache; the least recently used one is replaced. */
export const wireSlots = 512
