/** A troupe in memory within another, for one run that is evaluated: its own rows and mailboxes, the models of both. */

import type { TroupeConfig } from '../../configuration/index.ts'
import { hostName } from '../../context/index.ts'
import type { SharedServices, TroupeParts } from '../../operations/index.ts'
import type { OpenEvaluationTroupe } from '../../runs/index.ts'
import { Access } from '../../security/index.ts'

/** Opens a troupe whose parts are its own but for what it borrows. */
export type OpenWithin = (
  config: TroupeConfig,
  sharedServices: SharedServices,
) => Promise<{ readonly parts: TroupeParts; close(): Promise<void> }>

export function createEvaluationOpener(parts: TroupeParts, open: OpenWithin): OpenEvaluationTroupe {
  const { models, policies, toolSources, recording: own } = parts.services
  return async (recording = own) => {
    const inner = await open(evaluationConfig(parts.settings.config), {
      models,
      toolSources,
      log: parts.log.child({ evaluation: true }),
      ...(policies ? { policies } : {}),
      ...(recording ? { recording } : {}),
    })
    // A troupe that ends takes it along.
    const end = () => void inner.close().catch(() => {})
    parts.cleanups.push(end)
    const { mesh, orchestra } = inner.parts
    return {
      host: orchestra,
      context: (user, owner) => (owner === hostName ? mesh.host(user) : mesh.agent(user, owner, new Access())),
      async close() {
        const index = parts.cleanups.indexOf(end)
        if (index >= 0) parts.cleanups.splice(index, 1)
        await inner.close()
      },
    }
  }
}

/** What agents could tell from it is as around it; nothing is written anywhere, or sent. */
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
