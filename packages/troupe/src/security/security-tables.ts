/** The tables of this module by user. Marks of erased users are not among them, since they outlast the user. */
import type { UserTable } from '../storage/index.ts'

export const securityTables: readonly UserTable[] = [
  { module: 'security', name: 'security_incidents', key: ['id'] },
  { module: 'security', name: 'security_data_keys', key: ['id'] },
  { module: 'security', name: 'security_api_key_users', key: ['key_id'] },
]

/** Records are erased last: on PostgreSQL they stay while the user has rows elsewhere. */
export const auditTable: UserTable = { module: 'security', name: 'security_audit', key: ['id'] }
