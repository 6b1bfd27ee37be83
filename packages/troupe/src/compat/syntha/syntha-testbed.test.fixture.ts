/** A troupe in memory with virtual time, and the guides' mesh of one of its users. */
import { createTroupe } from '../../index.ts'
import { createVirtualClock } from '../../testing/index.ts'
import * as syntha from './index.ts'

export async function openTeam() {
  const clock = createVirtualClock()
  const troupe = await createTroupe({ storage: 'memory:', clock, log: 'silent' })
  const user = troupe.user('ada')
  const mesh = new syntha.ContextMesh(user)
  return {
    clock,
    troupe,
    user,
    mesh,
    tools: (name: string, options: syntha.ToolHandlerOptions = {}) => new syntha.ToolHandler(mesh, name, options),
    [Symbol.asyncDispose]: () => troupe.close(),
  }
}
