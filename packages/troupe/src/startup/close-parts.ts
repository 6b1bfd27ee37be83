/** Closes a troupe in the reverse order of its opening. */
import { sleep } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { type StageFault, staged } from './startup.ts'

/** How long handlers in progress may take to end. Afterwards they are aborted, and their messages are released. */
const handlersMs = 30_000

/** Supervisors stop first, since they would restart the workers that stop. */
async function endWorkers({
  work: { supervisions, workers, starting },
  platform: { clock },
}: Pick<TroupeParts, 'work' | 'platform'>): Promise<void> {
  const over = new AbortController()
  const cut = sleep(clock, handlersMs, over.signal).then(() =>
    Promise.all([...workers.keys()].map((one) => one.halt())),
  )
  const stopped = Promise.allSettled([...supervisions.keys(), ...workers.keys()].map((one) => one.stop()))
  // The caller of the start gets its error.
  const ended = Promise.allSettled(starting).then(() => stopped)
  try {
    const failed = (await Promise.race([ended, cut.then(() => [])])).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  } finally {
    over.abort()
    cut.catch(() => {})
  }
}

/** Stops new work, then waits for handlers and turns in progress, then closes the storage. */
const ends: Readonly<Record<string, (parts: TroupeParts) => unknown>> = {
  schedules: ({ runs }) => runs.schedules.stop(),
  timers: ({ journal }) => journal.timers.stop(),
  housekeeping: ({ maintenance }) => maintenance.housekeeping.close(),
  erasure: ({ maintenance }) => maintenance.erasure.stop(),
  restored: ({ maintenance }) => maintenance.restored.stop(),
  encryption: ({ protection }) => protection.encryption.close(),
  workers: endWorkers,
  claims: ({ runs }) => runs.sharing?.claims.close(),
  steps: ({ journal }) => journal.steps.close(),
  scoring: ({ runs }) => runs.scoring?.stop(),
  runs: ({ runs }) => runs.orchestra.close(),
  // From here on other processes may claim the runs.
  lease: ({ runs }) => runs.sharing?.lease.close(),
  tools: ({ tools }) => tools.toolSources.close(),
  mailboxes: ({ communication }) => communication.mailboxes.close(),
  presence: ({ communication }) => communication.presence.close(),
  context: ({ communication }) => communication.mesh.close(),
  // Watches of the context have ended.
  evaluator: ({ tools }) => tools.evaluator.close(),
  results: ({ tools }) => tools.unread.flush(),
  incidents: ({ security }) => security.incidents.flush(),
  observation: ({ observability }) => observability.observation.stop(),
  updates: ({ observability }) => observability.updates.close(),
  audit: ({ security }) => security.audit.close(),
  egress: ({ protection }) => protection.egressClient.close(),
  storage: ({ stores }) => stores.storage.close(),
  signals: ({ work }) => {
    for (const cleanup of work.cleanups) cleanup()
    work.cleanups.clear()
  },
}

export const closingStages: readonly string[] = Object.keys(ends)

/**
 * Closes every part, also if another part fails to close.
 * @throws the first failure, with `details.stage`; ProcessingError `troupe.unclosed` around an error that is not a TroupeError
 */
export async function closeParts(parts: TroupeParts, fault: StageFault = () => {}): Promise<void> {
  const failures: unknown[] = []
  parts.work.gate.isClosing = true
  for (const [stage, end] of Object.entries(ends))
    try {
      await end(parts)
      await fault(stage)
    } catch (error) {
      failures.push(staged('troupe.unclosed', error, stage))
    }
  parts.work.gate.state = 'closed'
  if (failures.length > 0) throw failures[0]
}
