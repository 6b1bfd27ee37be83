/** Audits an operation of several changes: records its start, and its failure if it fails. */
import { TroupeError } from '../../core/index.ts'
import type { AuditAction, AuditTrail, Decision } from './audit-trail.ts'

/** @throws what `action` throws */
export async function acting<Out>(
  audit: Pick<AuditTrail, 'record'>,
  auditEntry: AuditAction & Pick<Decision, 'user'>,
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
