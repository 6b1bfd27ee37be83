/** The end of a troupe, in the reverse order of its opening. */
import { type StageFault, staged } from './opening.ts'
import type { TroupeParts } from './parts.ts'

/** Nothing new, then handlers and turns at work, then the storage. */
const ends: Readonly<Record<string, (parts: TroupeParts) => unknown>> = {
  schedules: ({ schedules }) => schedules.stop(),
  timers: ({ timers }) => timers.stop(),
  housekeeping: ({ housekeeping }) => housekeeping.stop(),
  forgetting: ({ forgetting }) => forgetting.stop(),
  restored: ({ restored }) => restored.stop(),
  encryption: ({ encryption }) => encryption.close(),
  supervisions: ({ supervisions }) => Promise.all([...supervisions.keys()].map((supervision) => supervision.stop())),
  workers: ({ workers }) => Promise.all([...workers.keys()].map((worker) => worker.stop())),
  claims: ({ sharing }) => sharing?.claims.close(),
  steps: ({ steps }) => steps.close(),
  runs: ({ orchestra }) => orchestra.close(),
  // From then on others may take the runs.
  lease: ({ sharing }) => sharing?.lease.close(),
  tools: ({ toolSources }) => toolSources.close(),
  mailboxes: ({ mailboxes }) => mailboxes.close(),
  presence: ({ presence }) => presence.close(),
  context: ({ mesh }) => mesh.close(),
  results: ({ unread }) => unread.settle(),
  incidents: ({ incidents }) => incidents.settled(),
  observation: ({ observation }) => observation.stop(),
  audit: ({ audit }) => audit.close(),
  'ways out': ({ waysOut }) => waysOut.close(),
  storage: ({ storage }) => storage.close(),
  signals: ({ letGoOf }) => {
    for (const letGo of letGoOf.splice(0)) letGo()
  },
}

export const closingStages: readonly string[] = Object.keys(ends)

/**
 * Each goes on although another failed to end.
 * @throws the first failure, with `details.stage`; ProcessingError `troupe.unclosed` around what is no error of ours
 */
export async function closeParts(parts: TroupeParts, fault: StageFault = () => {}): Promise<void> {
  const failures: unknown[] = []
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
