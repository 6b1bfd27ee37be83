/** A troupe in memory within another, for one run that is evaluated: its own rows and mailboxes, the models of both. */
import { hostName } from '../context/index.ts'
import type { OpenWorld } from '../orchestration/index.ts'
import { Access } from '../security/index.ts'
import type { TroupeConfig } from './config.ts'
import type { Borrowed, TroupeParts } from './parts.ts'

/** Opens a troupe whose parts are its own but for what it borrows. */
export type OpenWithin = (
  config: TroupeConfig,
  borrowed: Borrowed,
) => Promise<{ readonly parts: TroupeParts; close(): Promise<void> }>

export function openWorldsOf(parts: TroupeParts, open: OpenWithin): OpenWorld {
  const { models, policies, toolSources, tape: own } = parts.services
  return async (tape = own) => {
    const inner = await open(worldConfig(parts.given.config), {
      models,
      toolSources,
      ...(policies ? { policies } : {}),
      ...(tape ? { tape } : {}),
    })
    // A troupe that ends takes it along.
    const end = () => void inner.close().catch(() => {})
    parts.letGoOf.push(end)
    const { mesh, orchestra } = inner.parts
    return {
      host: orchestra,
      context: (user, owner) => (owner === hostName ? mesh.host(user) : mesh.agent(user, owner, new Access())),
      async close() {
        const place = parts.letGoOf.indexOf(end)
        if (place >= 0) parts.letGoOf.splice(place, 1)
        await inner.close()
      },
    }
  }
}

/** What agents could tell from it is as around it; nothing is written anywhere, or sent. */
function worldConfig({ agents, topologies, roles, messaging, context, clock, random }: TroupeConfig): TroupeConfig {
  const { signatures: _, ...bounds } = messaging ?? {}
  return {
    storage: 'memory:',
    log: 'silent',
    messaging: bounds,
    ...(agents ? { agents } : {}),
    ...(topologies ? { topologies } : {}),
    ...(roles ? { roles } : {}),
    ...(context ? { context } : {}),
    ...(clock ? { clock } : {}),
    ...(random ? { random } : {}),
  }
}
