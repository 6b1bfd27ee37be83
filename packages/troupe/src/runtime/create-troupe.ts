/** Opens a troupe. */
import { checkConfig, type TroupeConfig } from './config.ts'
import { openParts } from './parts.ts'
import { Troupe } from './troupe.ts'

/**
 * Opens everything; runs that an earlier process left go on by themselves where `agents` has their code.
 * @throws ValidationError for a wrong option; what opening the storage throws (`storage.owned`, `storage.foreign`, …)
 * @example
 * const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db' })
 * const ada = troupe.user('ada')
 * await ada.context.push('plan', { steps: 3 })
 * await troupe.close()
 */
export async function createTroupe(config: TroupeConfig): Promise<Troupe> {
  const parts = await openParts(checkConfig(config))
  const { housekeeping, leases, mailboxes, mesh, orchestra, timers, log } = parts
  const troupe = new Troupe(parts, { requireUserId: config.requireUserId ?? false })
  timers.start()
  housekeeping.start()
  mailboxes.start()
  mesh.cleaner.start()
  if (leases) leases.start((user, run) => orchestra.own(user, run))
  else
    void orchestra
      .recover()
      .catch((error: unknown) => log.error('looking for runs that were left failed', { error: error as Error }))
  return troupe
}
