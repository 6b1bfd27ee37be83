/** The tables of this room by user. Marks of forgotten users are none of them: they outlast the user. */
import type { UserTable } from '../storage/index.ts'

export const securityTables: readonly UserTable[] = [
  { module: 'security', name: 'security_incidents', key: ['id'] },
  { module: 'security', name: 'security_audit', key: ['id'] },
  { module: 'security', name: 'security_data_keys', key: ['id'] },
  { module: 'security', name: 'security_api_key_users', key: ['key_id'] },
]
