/** What a step writes: staged until its turn commits, and then told of like every other write. */
import type { StagedWrite } from '../../journal/index.ts'
import { type Actor, type Push, pushFragment, type Removal, removeFragment } from '../entries/fragments.ts'
import type { MeshServices } from '../mesh-services.ts'

/**
 * @param planned the version that it makes if nobody else writes before the turn commits
 * @param unseen what stands was written while the step ran, and it has not read it
 */
export function stagedPush(
  mesh: MeshServices,
  actor: Actor,
  push: Push,
  planned: number,
  unseen: boolean,
): StagedWrite {
  const { key, ifVersion } = push
  let put = 0
  return {
    call: { kind: 'push', name: key },
    module: 'context',
    fragment() {
      const fragment = pushFragment(mesh.core, actor, push)
      put = fragment.put
      return fragment
    },
    committed({ rows, revision }) {
      const version = Number(rows[put]?.[0]?.version ?? planned)
      // What is left to do here is done again with the next push.
      mesh.pushed(actor, push, version, revision).catch(() => {})
      if (ifVersion === undefined && (unseen || version > planned))
        mesh.emit('context.overwritten', actor, { key, version, revision: revision ?? 0 })
    },
  }
}

export const stagedRemoval = (mesh: MeshServices, actor: Actor, removal: Removal): StagedWrite => ({
  call: { kind: 'delete', name: removal.key },
  module: 'context',
  fragment: () => removeFragment(mesh.core, actor, removal),
  committed: ({ revision }) => mesh.deleted(actor, removal.key, revision),
})
