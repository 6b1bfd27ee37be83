/** Joins the inserts of a change that have one template: rows of several parts of a change share a statement. */
import type { Change, CommitResult, Storage } from '../storage-port.ts'
import type { InsertedRows, Statement } from './statement.ts'

interface Joined {
  readonly statements: readonly Statement[]
  /** The index in `statements` of each original statement; undefined if it is joined with others. */
  readonly positions: readonly (number | undefined)[]
}

/**
 * Commits a change whose inserts are joined.
 * @returns the result for the statements as they were given. If a joined statement is rejected, the change is committed
 * without joining, so that the rejection names the statement that caused it.
 */
export async function commitJoined(storage: Pick<Storage, 'commit'>, change: Change): Promise<CommitResult> {
  const { statements } = change
  const joined = joinRows(statements)
  if (!joined) return storage.commit(change)
  const { positions } = joined
  const result = await storage.commit({ ...change, statements: joined.statements })
  if (!result.ok) {
    const statement = positions.indexOf(result.statement)
    return statement < 0 ? storage.commit(change) : { ...result, statement }
  }
  if (result.repeated) return result
  const affected = statements.map(({ rows }, index) => {
    const at = positions[index]
    return at === undefined ? (rows as InsertedRows).values.length : (result.affected[at] as number)
  })
  const rows = positions.map((at) => (at === undefined ? [] : (result.rows[at] ?? [])))
  return { ...result, affected, rows }
}

/**
 * The joined statement takes the place of the last statement with its rows, so that everything they need precedes it.
 * @returns undefined if there is nothing to join
 */
export function joinRows(statements: readonly Statement[]): Joined | undefined {
  const groups = new Map<InsertedRows['insert'], { count: number; last: number; values: object[] }>()
  for (const [index, { rows, expect }] of statements.entries()) {
    // The index of another statement would change.
    if (expect && 'sameAs' in expect) return undefined
    if (!rows) continue
    const group = groups.get(rows.insert)
    if (group) {
      group.count++
      group.last = index
      for (const row of rows.values) group.values.push(row)
    } else groups.set(rows.insert, { count: 1, last: index, values: [...rows.values] })
  }
  if (![...groups.values()].some(({ count }) => count > 1)) return undefined
  const joined: Statement[] = []
  const positions = statements.map((statement, index) => {
    const { rows } = statement
    const group = rows && groups.get(rows.insert)
    if (!rows || !group || group.count === 1) return joined.push(statement) - 1
    if (index === group.last) joined.push(...rows.insert(group.values))
    return undefined
  })
  return { statements: joined, positions }
}
