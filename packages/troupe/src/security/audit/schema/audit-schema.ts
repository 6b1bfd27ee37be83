/** The schema of the audit log, and what the application role may do to it on PostgreSQL: append, and nothing else. */
import { postgresTables, restrictTable } from '../../../storage/index.ts'
import { auditFunctions, retention, retentionTable } from './audit-functions.ts'
import { auditTables } from './audit-tables.ts'

const rights = [
  restrictTable('security_audit', { revoke: 'update, delete' }),
  restrictTable('security_audit_actions', { work: true, revoke: 'update, delete' }),
  restrictTable('security_audit_pending', { work: true, revoke: 'update, delete' }),
  restrictTable('security_audit_leaves', { work: true, revoke: 'insert, update, delete' }),
  restrictTable('security_audit_nodes', { work: true, revoke: 'insert, update, delete' }),
  restrictTable('security_audit_head', { work: true, revoke: 'insert, update, delete' }),
  restrictTable(retentionTable, { work: true, revoke: 'insert, update, delete' }),
]

export const auditSchema = {
  sqlite: auditTables,
  postgres: [...postgresTables(auditTables), ...retention, ...rights, ...auditFunctions],
}
