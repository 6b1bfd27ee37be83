/** Deeds of the host that are not one change: recorded as they begin, and once more where they fail. */
import { TroupeError } from '../../core/index.ts'
import type { AuditAction, AuditTrail } from './audit-trail.ts'

/** @throws what `action` throws */
export async function acting<Out>(
  audit: Pick<AuditTrail, 'record'>,
  auditEntry: AuditAction,
  action: () => Promise<Out>,
): Promise<Out> {
  const entry = { actor: 'host', ...auditEntry }
  audit.record({ ...entry, allowed: true })
  try {
    return await action()
  } catch (error) {
    const reason = error instanceof TroupeError ? error.code : 'failed'
    audit.record({ ...entry, allowed: false, reason })
    throw error
  }
}
