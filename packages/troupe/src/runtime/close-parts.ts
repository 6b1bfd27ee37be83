/** The end of a troupe, in the reverse order of its opening. */
import type { TroupeParts } from './parts.ts'

/** Nothing new, then handlers and turns at work, then the storage. Each goes on although another failed to end. */
export async function closeParts(parts: TroupeParts): Promise<void> {
  const { mailboxes, orchestra, presence, steps, storage, incidents, workers, sharing, ...working } = parts
  const ends = [
    () => working.schedules.stop(),
    () => working.timers.stop(),
    () => working.housekeeping.stop(),
    () => working.forgetting.stop(),
    () => working.restored.stop(),
    () => working.encryption.close(),
    async () => void (await Promise.all([...working.supervisions.keys()].map((supervision) => supervision.stop()))),
    async () => void (await Promise.all([...workers.keys()].map((worker) => worker.stop()))),
    async () => sharing?.claims.close(),
    () => steps.close(),
    () => orchestra.close(),
    // From then on others may take the runs.
    async () => sharing?.lease.close(),
    () => working.toolSources.close(),
    () => mailboxes.close(),
    async () => presence.close(),
    () => working.mesh.close(),
    async () => working.unread.settle(),
    () => incidents.settled(),
    () => working.observation.stop(),
    () => working.audit.close(),
    () => working.waysOut.close(),
    () => storage.close(),
  ]
  const failures: unknown[] = []
  for (const end of ends) await end().catch((error: unknown) => failures.push(error))
  parts.gate.state = 'closed'
  for (const letGo of parts.letGoOf.splice(0)) letGo()
  if (failures.length > 0) throw failures[0]
}
