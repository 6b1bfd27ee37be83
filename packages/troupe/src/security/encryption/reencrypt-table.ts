/** Goes through one table of one user in the order of its key, and rewrites the rows that need it. */
import { sql } from 'kysely'
import type { UserId } from '../../core/index.ts'
import {
  compileContent,
  type LocatedValue,
  locationOf,
  type OpenedStorage,
  type Row,
  type Statement,
  statementOf,
  type UserTable,
} from '../../storage/index.ts'
import { overwriting } from '../overwriting.ts'
import type { DataKeys } from './data-keys.ts'
import { encryptedPrefix } from './encrypt.ts'

export interface TableReencryption {
  readonly storage: OpenedStorage
  readonly keys: DataKeys
  readonly user: UserId
  /** The id of the key with which everything is to be encrypted; undefined: everything is to be plain. */
  readonly under: string | undefined
  readonly signal: AbortSignal
}

const standardBatch = 100
const maxAttempts = 5

/** @returns the number of rewritten rows */
export async function reencryptTable(reencryption: TableReencryption, table: UserTable): Promise<number> {
  const { batch = standardBatch } = table
  let stored = 0
  for (let after: Row | undefined; ; ) {
    reencryption.signal.throwIfAborted()
    const rows = await read(reencryption, table, after, batch)
    for (let attempt = 1; rows.length > 0 && !(await store(reencryption, table, rows)); attempt++)
      if (attempt === maxAttempts) throw new Error(`the keys of ${table.name} change too fast`)
    stored += rows.length
    after = rows.at(-1)
    if (rows.length < batch) return stored
  }
}

const columnsOf = ({ content = {} }: UserTable) => Object.keys(content)
const head = (under: string | undefined) => encryptedPrefix(under)

/** The condition for rows that must be rewritten. */
const wanted = (column: string, under: string | undefined) => {
  const begin = head(under)
  const found = sql`substr(${sql.ref(column)}, 1, ${sql.lit(begin.length)})`
  return under === undefined ? sql`${found} = ${begin}` : sql`${found} <> ${begin}`
}

async function read(
  reencryption: TableReencryption,
  table: UserTable,
  after: Row | undefined,
  batch: number,
): Promise<readonly Row[]> {
  const { storage, user, under } = reencryption
  const columns = columnsOf(table)
  const keyColumns = compileContent(table.content ?? {}, []).columns.flatMap(({ to }) =>
    to.of.flatMap(({ name, text }) => (text === undefined ? [name] : [])),
  )
  const key = sql.join(table.key.map((name) => sql.ref(name)))
  const selected = [...new Set([...table.key, ...keyColumns, ...columns])].map((name) => sql.ref(name))
  const outdated = sql.join(
    columns.map((column) => wanted(column, under)),
    sql` or `,
  )
  const from = after ? sql`and (${key}) > (${sql.join(table.key.map((name) => after[name]))})` : sql``
  const query = sql`select ${sql.join(selected)} from ${sql.table(table.name)}
    where user_id = ${user} and (${outdated}) ${from} order by ${key} limit ${batch}`
  const statement = { ...statementOf(storage.dialect, query), returns: true }
  return (await storage.read({ user }, [statement]))[0] ?? []
}

/** @returns false if the current key has changed */
async function store(
  { storage, keys, user, under }: TableReencryption,
  table: UserTable,
  rows: readonly Row[],
): Promise<boolean> {
  const { columns } = compileContent(table.content ?? {}, [])
  const found = rows.flatMap((row) =>
    columns.flatMap(({ column, to }) => {
      const text = row[column]
      return typeof text === 'string' ? [{ row, column, text, location: locationOf(to, [], row) }] : []
    }),
  )
  const plain = await keys.decrypt(user, found)
  const values: LocatedValue[] = found.map(({ location }, i) => ({ location, text: plain[i] as string }))
  const { texts, guards, committed } =
    under === undefined ? { texts: plain, guards: [], committed: () => {} } : await keys.encrypt(user, values)
  const statements = found.map(({ row, column, text }, i) =>
    replacing(storage, table, row, { column, old: text, text: texts[i] as string, user }),
  )
  const replaced = under === undefined ? statements : overwriting(storage.dialect, statements)
  const result = await storage.commit({ id: null, scope: { user }, statements: [...replaced, ...guards] })
  if (result.ok) committed()
  else keys.outdated(user)
  return result.ok
}

/** Only if the value is still what was read. */
function replacing(
  storage: OpenedStorage,
  table: UserTable,
  row: Row,
  value: { readonly column: string; readonly old: string; readonly text: string; readonly user: UserId },
): Statement {
  const column = sql.ref(value.column)
  const ofRow = table.key.map((name) => sql`and ${sql.ref(name)} = ${row[name]}`)
  return statementOf(
    storage.dialect,
    sql`update ${sql.table(table.name)} set ${column} = ${value.text}
      where user_id = ${value.user} and ${column} = ${value.old} ${sql.join(ofRow, sql` `)}`,
  )
}
