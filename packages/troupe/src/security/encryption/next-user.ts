/** The users that have rows in some tables, one after the other: an index lookup per table each. */
import type { UserId } from '../../core/index.ts'
import type { OpenedStorage, Statement, UserTable } from '../../storage/index.ts'

/** @returns undefined behind the last */
export async function nextUser(
  storage: OpenedStorage,
  tables: readonly UserTable[],
  after: string,
): Promise<UserId | undefined> {
  const [rows] = await storage.read({ work: true }, [statement(storage, tables, after)])
  const found = rows?.[0]?.user_id
  return typeof found === 'string' ? found : undefined
}

function statement(storage: OpenedStorage, tables: readonly UserTable[], after: string): Statement {
  const names = tables.map(({ name }) => name)
  // Row-level security hides users from each other: only a function of the tables' owner sees over them.
  if (storage.dialect.name === 'postgres')
    return {
      sql: 'select troupe_next_user($1, string_to_array($2, $3)) as user_id',
      binds: [after, names.join(','), ','],
      returns: true,
    }
  const firsts = names.map((name) => `select (select min(user_id) from ${name} where user_id > ?) as user_id`)
  return {
    sql: `select min(user_id) as user_id from (${firsts.join(' union all ')})`,
    binds: names.map(() => after),
    returns: true,
  }
}
