/** A push and a removal as a separate change, or as a part of the turn of a step. */
import { failure } from '../../core/index.ts'
import type { Write } from '../../journal/index.ts'
import type { Pushed } from '../context-client.ts'
import { type Actor, type Push, pushFragment, type Removal, removeFragment } from '../entries/fragments.ts'
import type { MeshServices } from '../mesh-services.ts'
import { pushedVersion } from '../reads/write-version.ts'
import { revisionOf } from './parse-batch.ts'
import type { PlannedPush } from './plan-writes.ts'

/**
 * @param planned in a step: the entry that the push makes if no other process writes the key before the turn commits
 */
export function pushWrite(mesh: MeshServices, actor: Actor, push: Push, planned?: PlannedPush): Write<Pushed> {
  const { core } = mesh
  const { key, ifVersion } = push
  return {
    call: { kind: 'push', name: key },
    module: 'context',
    async now() {
      const fragment = pushFragment(core, actor, push)
      const committed = await core.commit(actor.user, fragment)
      const version = await pushedVersion(core, actor.user, push, committed, fragment.put)
      await mesh.pushed(actor, push, version, committed.revision)
      return { key, version, ...revisionOf(committed) }
    },
    turn() {
      const expected = planned?.entry.version
      let put = 0
      return {
        answer: { key, version: expected },
        fragment() {
          const fragment = pushFragment(core, actor, push)
          put = fragment.put
          return fragment
        },
        committed({ rows, revision }) {
          const version = Number(rows[put]?.[0]?.version ?? expected)
          void mesh.pushed(actor, push, version, revision)
          const isOverwritten = planned?.unread === true || (expected !== undefined && version > expected)
          if (ifVersion === undefined && isOverwritten)
            mesh.emit('context.overwritten', actor, { key, version, revision: revision ?? 0 })
        },
      }
    },
  }
}

/** Returns whether there was a visible entry. */
export function removalWrite(mesh: MeshServices, actor: Actor, removal: Removal): Write<boolean> {
  const { core } = mesh
  const { key } = removal
  return {
    call: { kind: 'delete', name: key },
    module: 'context',
    async now() {
      const result = await core.tryCommit(actor.user, removeFragment(core, actor, removal))
      if (!result.ok && result.code === 'context.missing') return false
      if (!result.ok) throw failure(result.code, result.detail)
      mesh.deleted(actor, key, result.revision)
      return true
    },
    turn: () => ({
      answer: true,
      fragment: () => removeFragment(core, actor, removal),
      committed: ({ revision }) => mesh.deleted(actor, key, revision),
    }),
  }
}
