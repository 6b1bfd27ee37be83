/** Deeds of the host that are not one change: recorded as they begin, and once more where they fail. */
import { TroupeError } from '../../core/index.ts'
import type { Act, AuditTrail } from './audit-trail.ts'

/** @throws what `act` throws */
export async function acting<Out>(audit: Pick<AuditTrail, 'record'>, deed: Act, act: () => Promise<Out>): Promise<Out> {
  const told = { actor: 'host', ...deed }
  audit.record({ ...told, allowed: true })
  try {
    return await act()
  } catch (error) {
    const reason = error instanceof TroupeError ? error.code : 'failed'
    audit.record({ ...told, allowed: false, reason })
    throw error
  }
}
