/** Opens access control: roles, the audit log and the egress client, whose rejections it records, incidents and API keys. */
import type { TroupeError } from '../../core/index.ts'
import { marksOfUsers, openEgressClient, type ProtectionParts, type SecurityParts } from '../../operations/index.ts'
import {
  ApiKeys,
  type AuditLog,
  Callers,
  createIncidents,
  createRoles,
  createTaintGuard,
  openAudit,
  readTaintPolicy,
} from '../../security/index.ts'
import type { Startup } from '../startup.ts'
import { deliverCheckpoints } from './deliver-checkpoints.ts'
import type { BaseParts } from './open-base.ts'

interface OpenedSecurity {
  readonly security: SecurityParts
  readonly egressClient: ProtectionParts['egressClient']
}

export async function openSecurity(base: BaseParts, processId: string, startup: Startup): Promise<OpenedSecurity> {
  const { config, platform, stores } = base
  const { clock, random, ids, events } = platform
  const roles = createRoles(config.roles)
  const { egressClient, audit } = await openAccounts(base, processId, startup)
  const callers = new Callers()
  const incidents = createIncidents({ audit, events })
  const guard = createTaintGuard(readTaintPolicy(config.policy), {
    incidents,
    egress: egressClient.egress,
    callers,
    events,
    clock,
  })
  const apiKeys = new ApiKeys({ storage: stores.storage, ids, random, clock, events, roles, audit })
  return { security: { roles, audit, callers, incidents, guard, apiKeys }, egressClient }
}

/** The audit log records what the egress client rejects, and sends its checkpoints through that client. */
async function openAccounts(
  { config, platform, stores, observability: { log } }: BaseParts,
  processId: string,
  startup: Startup,
): Promise<{ readonly audit: AuditLog; readonly egressClient: ProtectionParts['egressClient'] }> {
  const opened: { audit?: AuditLog } = {}
  const rules = {
    clock: platform.clock,
    production: config.profile === 'production',
    rejected: ({ code, details }: TroupeError) => {
      const { host } = details as { readonly host: string }
      opened.audit?.record({ actor: 'troupe', operation: 'egress', resource: host, allowed: false, reason: code })
    },
  }
  const egressClient = await startup.stage(
    'egress',
    () => openEgressClient(config.egress, rules),
    (open) => open.close(),
  )
  const audit = await startup.stage(
    'audit',
    () =>
      openAudit(
        {
          storage: stores.storage,
          platform,
          holder: processId,
          marksWithRows: () => marksOfUsers(stores.storage),
          failed: (error) => log.warn('the audit log could not be updated; it is retried', { error: error as Error }),
        },
        config.audit,
        deliverCheckpoints(egressClient.fetchTo),
      ),
    (open) => open.close(),
  )
  opened.audit = audit
  return { egressClient, audit }
}
