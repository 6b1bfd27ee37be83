/** Opens a troupe. */
import { recordConfig } from '../security/index.ts'
import { checkConfig } from './check-config.ts'
import type { TroupeConfig } from './config.ts'
import { configHashes } from './config-hashes.ts'
import { handleSignals } from './handle-signals.ts'
import { registerChecks } from './health-checks.ts'
import { openParts } from './open-parts.ts'
import { openWorldsOf } from './open-world.ts'
import { Opening, type StageFault } from './opening.ts'
import type { Borrowed, TroupeParts } from './parts.ts'
import { partsOf, Troupe } from './troupe.ts'

/**
 * Opens everything; runs that an earlier process left go on by themselves where `agents` has their code.
 * @throws ValidationError for a wrong option; what opening the storage throws (`storage.owned`, `storage.foreign`, …). What
 * fails half-way lets go of all that was opened; `details.stage` says where.
 * @example
 * const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db' })
 * const ada = troupe.user('ada')
 * await ada.context.push('plan', { steps: 3 })
 * await troupe.close()
 */
export function createTroupe(config: TroupeConfig): Promise<Troupe> {
  return openTroupe(config)
}

/** @param within `borrowed` of a troupe around it; `fault` strikes at a stage of the opening, for tests */
export async function openTroupe(
  config: TroupeConfig,
  within: { readonly borrowed?: Borrowed; readonly fault?: StageFault } = {},
): Promise<Troupe> {
  checkConfig(config)
  const opening = new Opening(within.fault)
  try {
    const parts = await openParts(config, opening, within.borrowed)
    const troupe = await opening.stage('parts', () => troupeOf(parts, config))
    opening.handOver(() => troupe.close())
    for (const [stage, start] of startsOf(parts, troupe, config)) await opening.stage(stage, start)
    return troupe
  } catch (error) {
    await opening.release()
    throw error
  }
}

function troupeOf(parts: TroupeParts, config: TroupeConfig): Troupe {
  const openWorld = openWorldsOf(parts, async (inner, borrowed) => {
    const world = await openTroupe(inner, { borrowed })
    return { parts: world[partsOf], close: () => world.close() }
  })
  return new Troupe(parts, { requireUserId: config.requireUserId ?? config.profile === 'production', openWorld })
}

/** In the order in which they begin to work. */
function startsOf(
  parts: TroupeParts,
  troupe: Troupe,
  config: TroupeConfig,
): readonly (readonly [stage: string, start: () => unknown])[] {
  const { audit, encryption, forgetting, housekeeping, mailboxes, mesh, observation, orchestra } = parts
  const { restored, schedules, sharing, timers, log } = parts
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
  return [
    // Before anything of theirs goes on.
    ['forgetting', () => forgetting.start()],
    ['record', () => recordOf(parts, config)],
    ['rotation', () => encryption.start()],
    ['audit log', () => audit.start()],
    ['housekeeping', () => housekeeping.start()],
    ['health', () => registerChecks(parts, config)],
    ['observation', () => observation.start()],
    ['clean-up', () => mesh.cleaner.start()],
    ['signatures', () => mailboxes.signatures?.start()],
    ['lease', () => sharing?.lease.start(() => orchestra.lost())],
    ['work', () => restored.open(config.restored ?? 'wait', begin)],
    ['signals', () => void (config.signals && handleSignals(troupe))],
  ]
}

/** Which options are not what they were at the last opening. */
const recordOf = (parts: TroupeParts, config: TroupeConfig) =>
  recordConfig(parts, configHashes(config, parts.redactor)).catch((error: unknown) =>
    parts.log.warn('the configuration could not be recorded', { error: error as Error }),
  )
