/**
 * The order of cells between the queue and the writer. Texts of SQL are sent once and known by their slot afterwards.
 *
 * Per change: id, user ('' for work), number of statements, number of feed items. Per statement: slot of its SQL, or a
 * new text and the slot it gets; mode, two bounds; number of binds, the binds. Per feed item: kind, key, data.
 *
 * Per outcome: how it ended, then for `done`: time, revision, and per statement the rows affected and, where the mode
 * says so, the names of columns, the number of rows, the values. For `repeated`: time, revision. For `unexpected`:
 * statement, rows found. For `invalid`: statement, message. For `retry`, which only a slice is answered: nothing.
 */

/** How the count of a statement is judged; `returns` is added where its rows go back. */
export const mode = { sameAs: 1, returns: 2 } as const

export const outcome = { done: 0, repeated: 1, unexpected: 2, invalid: 3, retry: 4 } as const

/** Statements that are kept prepared; beyond it the one not used for longest makes room. */
export const wireSlots = 512
