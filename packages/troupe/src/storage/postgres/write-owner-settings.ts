/**
 * Writes settings that the application role cannot change: numbers in tables of one row. A process whose login is not the
 * owner of the tables leaves them as they are.
 */
import type { Client } from 'pg'
import type { OpenStorageOptions } from '../open-storage-options.ts'
import type { ConnectionTarget } from './connections/connection-target.ts'

/** @throws the errors of the server */
export async function writeOwnerSettings(
  client: Client,
  { schema }: ConnectionTarget,
  settings: NonNullable<OpenStorageOptions['ownerSettings']>,
): Promise<void> {
  for (const { table, column, value } of settings) {
    const { rows } = await client.query<{ value: string; writable: boolean }>(
      `select ${column} as value, has_table_privilege($1, 'update') and not current_setting('transaction_read_only')::boolean
       as writable from ${schema}.${table}`,
      [`${schema}.${table}`],
    )
    const [row] = rows
    if (row?.writable && Number(row.value) !== value)
      await client.query(`update ${schema}.${table} set ${column} = $1`, [value])
  }
}
