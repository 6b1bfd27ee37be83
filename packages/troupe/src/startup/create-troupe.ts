/** Opens a troupe. */

import type { TroupeConfig } from '../configuration/index.ts'
import { checkConfig, configHashes, declared } from '../configuration/index.ts'
import { captureOptions } from '../core/index.ts'
import type { SharedServices, TroupeParts } from '../operations/index.ts'
import { registerChecks } from '../operations/index.ts'
import { recordConfig } from '../security/index.ts'
import { openParts } from './open-parts.ts'
import { createEvaluationOpener } from './services/create-evaluation-opener.ts'
import { requireModelKeys } from './services/require-model-keys.ts'
import { requireNodeGlobals } from './services/require-node-globals.ts'
import { handleSignals } from './signals/handle-signals.ts'
import { type StageFault, Startup } from './startup.ts'
import { partsOf, Troupe } from './troupe.ts'

/**
 * Opens a troupe. Runs that an earlier process left unfinished resume if `agents` has their code.
 * @throws ValidationError for a wrong option; the errors of opening the storage (`storage.owned`, `storage.foreign`, …). If a
 * stage fails, the parts that were opened are closed, and `details.stage` names the stage.
 * @example
 * const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db' })
 * const ada = troupe.user('ada')
 * await ada.context.push('plan', { steps: 3 })
 * await troupe.close()
 */
export function createTroupe(config: TroupeConfig): Promise<Troupe> {
  return openTroupe(config)
}

/** @param within `sharedServices` of an enclosing troupe; `fault` fails a stage of the opening, for tests */
export async function openTroupe(
  source: TroupeConfig,
  within: { readonly sharedServices?: SharedServices; readonly fault?: StageFault } = {},
): Promise<Troupe> {
  requireNodeGlobals()
  checkConfig(source)
  // A test changes the rates of its faults while the troupe is open.
  const config = { ...captureOptions(source), ...(source.faults ? { faults: source.faults } : {}) }
  const startup = new Startup(within.fault)
  try {
    const parts = await openParts(config, startup, within.sharedServices)
    const troupe = await startup.stage('parts', () => troupeOf(parts, config))
    startup.transferTo(() => troupe.close())
    for (const [stage, start] of startsOf(parts, troupe, config)) await startup.stage(stage, start)
    return troupe
  } catch (error) {
    await startup.release()
    throw error
  }
}

function troupeOf(parts: TroupeParts, config: TroupeConfig): Troupe {
  const openEvaluationTroupe = createEvaluationOpener(parts, async (inner, sharedServices) => {
    const evaluationTroupe = await openTroupe(inner, { sharedServices })
    return { parts: evaluationTroupe[partsOf], close: () => evaluationTroupe.close() }
  })
  return new Troupe(parts, {
    requireUserId: config.requireUserId ?? config.profile === 'production',
    openEvaluationTroupe,
  })
}

/** Starts the parts in the order in which they depend on each other. */
function startsOf(
  parts: TroupeParts,
  troupe: Troupe,
  config: TroupeConfig,
): readonly (readonly [stage: string, start: () => unknown])[] {
  const { journal, communication, runs, security, protection, observability, maintenance } = parts
  const { inbox, timers } = journal
  const { mailboxes, mesh } = communication
  const { orchestra, schedules, sharing } = runs
  const begin = () => {
    timers.start()
    mailboxes.start()
    schedules.start()
    if (sharing) {
      sharing.lease.onTick(inbox.missed)
      sharing.claims.start((user, run) => orchestra.claim(user, run))
    } else
      void orchestra
        .recover()
        .catch((error: unknown) =>
          observability.log.error('the recovery of open runs failed', { error: error as Error }),
        )
  }
  return [
    ...(config[declared]?.inspectOnly ? [] : [['models', () => requireModelKeys(parts)] as const]),
    // Before any of their work resumes.
    ['erasure', () => maintenance.erasure.start()],
    ['record', () => recordOptions(parts, config)],
    ['rotation', () => protection.encryption.start()],
    ['audit log', () => security.audit.start()],
    ['housekeeping', () => maintenance.housekeeping.start()],
    ['health', () => registerChecks(parts, config)],
    ['observation', () => observability.observation.start()],
    ['clean-up', () => mesh.cleaner.start()],
    ['signatures', () => mailboxes.signatures?.start()],
    ['lease', () => sharing?.lease.start(() => orchestra.leaseLost())],
    ['work', () => maintenance.restored.open(config.restored ?? 'wait', begin)],
    ['signals', () => void (config.signals && handleSignals(troupe))],
    ['rollback', () => security.audit.announceRollback()],
  ]
}

/** Records the names of the options that differ from those of the last opening. An opening without a record is possible. */
const recordOptions = (
  { stores: { storage }, security: { audit }, protection: { redactor }, observability: { log } }: TroupeParts,
  config: TroupeConfig,
) =>
  recordConfig({ storage, audit }, configHashes(config, redactor)).catch((error: unknown) =>
    log.warn('the configuration could not be recorded', { error: error as Error }),
  )
