/** The tables of this room by user. Marks of forgotten users are none of them: they outlast the user. */
import type { UserTable } from '../storage/index.ts'

export const securityTables: readonly UserTable[] = [
  { room: 'security', name: 'security_incidents', key: ['id'] },
  { room: 'security', name: 'security_audit', key: ['id'] },
  { room: 'security', name: 'security_data_keys', key: ['id'] },
  { room: 'security', name: 'security_api_key_users', key: ['key_id'] },
]
