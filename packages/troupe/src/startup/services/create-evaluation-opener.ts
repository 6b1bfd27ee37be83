/** Opens a troupe in memory within another one, for one evaluated run: with rows and mailboxes of its own and shared models. */

import type { TroupeConfig } from '../../configuration/index.ts'
import { hostName } from '../../context/index.ts'
import type { SharedServices, TroupeParts } from '../../operations/index.ts'
import type { OpenEvaluationTroupe } from '../../runs/index.ts'
import { Access } from '../../security/index.ts'

/** Opens a troupe that has its own parts, except for those that it borrows. */
export type OpenWithin = (
  config: TroupeConfig,
  sharedServices: SharedServices,
) => Promise<{ readonly parts: TroupeParts; close(): Promise<void> }>

export function createEvaluationOpener(
  {
    settings,
    agents: { services },
    observability: { log },
    work: { cleanups },
  }: Pick<TroupeParts, 'settings' | 'agents' | 'observability' | 'work'>,
  open: OpenWithin,
): OpenEvaluationTroupe {
  const { external } = services
  return async (recording = external.recording) => {
    const inner = await open(evaluationConfig(settings.config), {
      ...external,
      recording,
      log: log.child({ evaluation: true }),
    })
    // It is closed with the enclosing troupe.
    const end = () => void inner.close().catch(() => {})
    cleanups.add(end)
    const { mesh } = inner.parts.communication
    return {
      host: inner.parts.runs.orchestra,
      context: (user, owner) => (owner === hostName ? mesh.host(user) : mesh.agent(user, owner, new Access())),
      async close() {
        cleanups.delete(end)
        await inner.close()
      },
    }
  }
}

/** Agents see the configuration of the enclosing troupe, but nothing is written or sent outside. */
function evaluationConfig({ agents, teams, roles, messaging, context, clock, random }: TroupeConfig): TroupeConfig {
  const { signatures: _, ...bounds } = messaging ?? {}
  return {
    storage: 'memory:',
    messaging: bounds,
    ...(agents ? { agents } : {}),
    ...(teams ? { teams } : {}),
    ...(roles ? { roles } : {}),
    ...(context ? { context } : {}),
    ...(clock ? { clock } : {}),
    ...(random ? { random } : {}),
  }
}
