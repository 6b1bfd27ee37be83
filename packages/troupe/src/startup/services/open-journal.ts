/** Opens the parts that execute steps durably: journals, inboxes, timers and steps, and the claim on shared storage. */
import { createThreadMessages, type ThreadMessages } from '../../agents/index.ts'
import { journalRetention, retentionPeriods } from '../../configuration/index.ts'
import { createInbox, createJournals, createSteps, createTimers, type JournalParts } from '../../journal/index.ts'
import { type RunParts, share } from '../../operations/index.ts'
import { createEndedRuns } from '../../runs/index.ts'
import { createSandboxes, quickJsSandbox, type Sandboxes } from '../../sandbox/index.ts'
import type { Startup } from '../startup.ts'
import type { BaseParts } from './open-base.ts'

interface OpenedJournal {
  readonly journal: JournalParts
  readonly ownership: Pick<RunParts, 'endedRuns' | 'holder' | 'sharing'>
  readonly threadMessages: ThreadMessages
  readonly sandboxes: Sandboxes
}

export async function openJournal(
  { config, platform, stores, protection }: BaseParts,
  processId: string,
  startup: Startup,
): Promise<OpenedJournal> {
  const { clock, random, events } = platform
  const { storage, blobs } = stores
  const timers = createTimers({ storage, clock, random })
  const retention = retentionPeriods(config.retention)
  const threadMessages = createThreadMessages({ storage })
  const sandboxes = createSandboxes({ storage, blobs, defaultEngines: [quickJsSandbox()] }, config.sandbox)
  const retained = journalRetention(retention, { threadMessages, files: sandboxes.stored })
  const journals = createJournals({ storage, clock, owner: processId, blobs, events, retention: retained })
  const endedRuns = createEndedRuns({ storage, clock, retentionMs: retention.runs })
  const sharing = await startup.stage(
    'sharing',
    () => share(config, { storage, platform, journals }),
    (shared) => shared?.close(),
  )
  const owner = sharing && (() => sharing.lease.processId)
  const inbox = createInbox({ storage, clock, owner })
  const steps = createSteps({
    storage,
    journals,
    inbox,
    timers,
    clock,
    random,
    events,
    redact: protection.redactor.redact,
    ...(sharing && { checkLease: () => sharing.lease.check() }),
  })
  const holder = owner ?? (() => processId)
  return {
    journal: { journals, inbox, timers, steps },
    ownership: { endedRuns, holder, sharing },
    threadMessages,
    sandboxes,
  }
}
