/** Closes a troupe in the reverse order of its opening. */
import { sleep } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { type StageFault, staged } from './startup.ts'

/** How long handlers in progress may take to end. Afterwards they are aborted, and their messages are released. */
const handlersMs = 30_000

/** Supervisors stop first, since they would restart the workers that stop. */
async function endWorkers({ supervisions, workers, starting, clock }: TroupeParts): Promise<void> {
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
  schedules: ({ schedules }) => schedules.stop(),
  timers: ({ timers }) => timers.stop(),
  housekeeping: ({ housekeeping }) => housekeeping.stop(),
  erasure: ({ erasure }) => erasure.stop(),
  restored: ({ restored }) => restored.stop(),
  encryption: ({ encryption }) => encryption.close(),
  workers: endWorkers,
  claims: ({ sharing }) => sharing?.claims.close(),
  steps: ({ steps }) => steps.close(),
  scoring: ({ scoring }) => scoring?.stop(),
  runs: ({ orchestra }) => orchestra.close(),
  // From here on other processes may claim the runs.
  lease: ({ sharing }) => sharing?.lease.close(),
  tools: ({ toolSources }) => toolSources.close(),
  evaluator: ({ evaluator }) => evaluator.close(),
  mailboxes: ({ mailboxes }) => mailboxes.close(),
  presence: ({ presence }) => presence.close(),
  context: ({ mesh }) => mesh.close(),
  results: ({ unread }) => unread.flush(),
  incidents: ({ incidents }) => incidents.flush(),
  observation: ({ observation }) => observation.stop(),
  updates: ({ updates }) => updates.close(),
  audit: ({ audit }) => audit.close(),
  egress: ({ egressClient }) => egressClient.close(),
  storage: ({ storage }) => storage.close(),
  signals: ({ cleanups }) => {
    for (const cleanup of cleanups.splice(0)) cleanup()
  },
}

export const closingStages: readonly string[] = Object.keys(ends)

/**
 * Closes every part, also if another part fails to close.
 * @throws the first failure, with `details.stage`; ProcessingError `troupe.unclosed` around an error that is not a TroupeError
 */
export async function closeParts(parts: TroupeParts, fault: StageFault = () => {}): Promise<void> {
  const failures: unknown[] = []
  parts.gate.isClosing = true
  for (const [stage, end] of Object.entries(ends))
    try {
      await end(parts)
      await fault(stage)
    } catch (error) {
      failures.push(staged('troupe.unclosed', error, stage))
    }
  parts.gate.state = 'closed'
  if (failures.length > 0) throw failures[0]
}
