/** Opens the parts that execute steps durably: journals, inboxes, timers and steps, with the audit log and egress rules. */
import { createThreadMessages, type ThreadMessages } from '../../agents/index.ts'
import { journalRetention, type RevealedConfig, retentionPeriods } from '../../configuration/index.ts'
import type { TroupeError } from '../../core/index.ts'
import { createInbox, createJournals, createSteps, createTimers, type Journals } from '../../journal/index.ts'
import { openEgressClient, share, type TroupeParts } from '../../operations/index.ts'
import { createEndedRuns, type EndedRuns } from '../../runs/index.ts'
import { createSandboxes, quickJsSandbox, type Sandboxes } from '../../sandbox/index.ts'
import { createRoles, type OpenedEncryption, openAudit } from '../../security/index.ts'
import type { OpenedStorage } from '../../storage/index.ts'
import { UnreadResults } from '../../tools/index.ts'
import type { Startup } from '../startup.ts'
import { deliverCheckpoints } from './deliver-checkpoints.ts'

/** The parts that are open before any step is executed. */
export type BaseParts = Pick<
  TroupeParts,
  'clock' | 'random' | 'gate' | 'cleanups' | 'log' | 'redactor' | 'secrets' | 'storage'
> &
  Pick<TroupeParts, 'ids' | 'events' | 'metrics' | 'encryption' | 'blobs'> & {
    readonly openedEncryption: OpenedEncryption
    /** The storage without encryption. */
    readonly bare: OpenedStorage
  }

export type DurableParts = BaseParts &
  Pick<TroupeParts, 'egressClient' | 'roles' | 'audit' | 'unread' | 'inbox' | 'timers' | 'steps'> & {
    readonly journals: Journals
    readonly threadMessages: ThreadMessages
    readonly sandboxes: Sandboxes
    readonly endedRuns: EndedRuns
  }
/** The parts that all agents of the troupe share. */
export type CommonParts = Pick<
  TroupeParts,
  'incidents' | 'callers' | 'guard' | 'mesh' | 'presence' | 'mailboxes' | 'metricStore' | 'clients'
>

interface DurableOptions {
  readonly processId: string
  readonly startup: Startup
}

/** @returns also `sharing`, the lease of this process, if several processes share the storage */
export async function openDurableParts(
  config: RevealedConfig,
  base: BaseParts,
  { processId, startup }: DurableOptions,
): Promise<DurableParts & Pick<TroupeParts, 'sharing'>> {
  const { clock, random, storage, events } = base
  const unread = new UnreadResults({ clock, events })
  const roles = createRoles(config.roles)
  const { egressClient, audit } = await openAccounts(config, base, { processId, startup })
  const timers = createTimers(base)
  const retention = retentionPeriods(config.retention)
  const threadMessages = createThreadMessages(base)
  const sandboxes = createSandboxes({ ...base, defaultEngines: [quickJsSandbox()] }, config.sandbox)
  const retained = journalRetention(retention, { threadMessages, files: sandboxes.stored })
  const journals = createJournals({ ...base, owner: processId, retention: retained })
  const endedRuns = createEndedRuns({ ...base, retentionMs: retention.runs })
  const sharing = await startup.stage(
    'sharing',
    () => share(config, { ...base, journals }),
    (shared) => shared?.close(),
  )
  const inbox = createInbox({ ...base, owner: sharing && (() => sharing.lease.processId) })
  const checkLease = sharing && { checkLease: () => sharing.lease.check() }
  const { redact } = base.redactor
  const steps = createSteps({
    clock,
    random,
    events,
    storage,
    journals,
    inbox,
    timers,
    redact,
    ...checkLease,
  })
  return {
    ...base,
    egressClient,
    audit,
    unread,
    roles,
    inbox,
    timers,
    journals,
    steps,
    threadMessages,
    sandboxes,
    endedRuns,
    sharing,
  }
}

/** The audit log records what the egress client rejects, and sends its checkpoints through that client. */
async function openAccounts(
  config: RevealedConfig,
  base: BaseParts,
  { processId, startup }: DurableOptions,
): Promise<Pick<TroupeParts, 'egressClient' | 'audit'>> {
  const opened: { audit?: TroupeParts['audit'] } = {}
  const rules = {
    clock: base.clock,
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
  const log = {
    ...base,
    config: config.audit,
    deliverTo: deliverCheckpoints(egressClient.fetchTo),
    holder: processId,
    failed: (error: unknown) =>
      base.log.warn('work on the audit log failed; it is tried again', { error: error as Error }),
  }
  const audit = await startup.stage(
    'audit',
    () => openAudit(log),
    (open) => open.close(),
  )
  opened.audit = audit
  return { egressClient, audit }
}
