/** Opens a troupe. */
import { recordConfig } from '../security/index.ts'
import { checkConfig } from './check-config.ts'
import type { TroupeConfig } from './config.ts'
import { configHashes } from './config-hashes.ts'
import { handleSignals } from './handle-signals.ts'
import { registerChecks } from './health-checks.ts'
import { Reconfiguring } from './live/reconfigure.ts'
import { openParts } from './open-parts.ts'
import { openWorldsOf } from './open-world.ts'
import type { Borrowed } from './parts.ts'
import { partsOf, Troupe } from './troupe.ts'

/**
 * Opens everything; runs that an earlier process left go on by themselves where `agents` has their code.
 * @throws ValidationError for a wrong option; what opening the storage throws (`storage.owned`, `storage.foreign`, …)
 * @example
 * const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db' })
 * const ada = troupe.user('ada')
 * await ada.context.push('plan', { steps: 3 })
 * await troupe.close()
 */
export function createTroupe(config: TroupeConfig): Promise<Troupe> {
  return open(config)
}

async function open(config: TroupeConfig, borrowed?: Borrowed): Promise<Troupe> {
  const parts = await openParts(checkConfig(config), borrowed)
  const {
    audit,
    encryption,
    forgetting,
    housekeeping,
    mailboxes,
    mesh,
    observation,
    orchestra,
    restored,
    schedules,
    sharing,
    timers,
    log,
  } = parts
  const reconfiguring = new Reconfiguring(parts, config)
  const openWorld = openWorldsOf(
    () => reconfiguring.config,
    parts,
    async (inner, borrows) => {
      const world = await open(inner, borrows)
      return { parts: world[partsOf], close: () => world.close() }
    },
  )
  const requireUserId = config.requireUserId ?? config.profile === 'production'
  const troupe = new Troupe(parts, { requireUserId, openWorld, reconfiguring })
  try {
    // Before anything of theirs goes on.
    await forgetting.start()
  } catch (error) {
    await troupe.close()
    throw error
  }
  const changes = recordConfig(parts, configHashes(config, parts.redactor))
  await changes.catch((error: unknown) =>
    log.warn('the configuration could not be recorded', { error: error as Error }),
  )
  encryption.start()
  audit.start()
  housekeeping.start()
  registerChecks(parts, config)
  observation.start()
  mesh.cleaner.start()
  sharing?.lease.start(() => orchestra.lost())
  const begin = () => {
    timers.start()
    mailboxes.start()
    schedules.start()
    if (sharing) sharing.claims.start((user, run) => orchestra.claim(user, run))
    else
      void orchestra
        .recover()
        .catch((error: unknown) => log.error('looking for runs that were left failed', { error: error as Error }))
  }
  try {
    await restored.open(config.restored ?? 'wait', begin)
  } catch (error) {
    await troupe.close()
    throw error
  }
  if (config.signals) handleSignals(troupe)
  return troupe
}
