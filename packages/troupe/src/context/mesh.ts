/** The mesh of a troupe: creates the context clients of agents and of the application. */
import { checkName, construct, type UserId } from '../core/index.ts'
import type { Recorder } from '../journal/index.ts'
import { Access } from '../security/index.ts'
import type { ContextClient } from './context-client.ts'
import { ContextMesh } from './context-mesh.ts'
import { hostName } from './entries/agent-name.ts'
import { compilePattern } from './entries/pattern.ts'
import { MeshContextClient } from './mesh-context-client.ts'
import { MeshServices } from './mesh-services.ts'
import { matchKeys } from './reads/match-keys.ts'
import { type Written, writtenSince } from './reads/written.ts'

/**
 * The context mesh on a storage that has `contextMigrations`.
 * @example
 * const mesh = new Mesh({ storage, platform: { clock, random, ids, events } })
 * await mesh.agent('ada', 'Support').push('orders.17.status', { paid: true })
 */
export class Mesh extends MeshServices {
  /**
   * @param access shared with the agent's tools, so that a change holds for both
   * @throws ValidationError for a name that is not allowed
   */
  agent(user: UserId, agent: string, access: Access = new Access()): MeshContextClient {
    return MeshContextClient.committing(this, this.actor(user, agent, access))
  }

  /**
   * The client of a step: reads are answers of its record, writes are staged and commit with the turn.
   * @param over the client of the enclosing step, for the stage of a tool call
   */
  staged(recorder: Recorder, access: Access, over?: ContextClient): MeshContextClient {
    return MeshContextClient.staging(this, recorder, access, over)
  }

  /** Returns the writes after a revision, in pages. */
  written(user: UserId, after: number): Promise<Written> {
    return writtenSince(this.core, user, after)
  }

  /** Returns the keys that match a pattern. @param author undefined for a pattern of the application */
  matching(author: string | undefined, pattern: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
    return matchKeys(this.core, author, compilePattern(pattern), keys)
  }

  /** @param access restricts the writes of the application, which reads every entry of the user in any case */
  host(user: UserId, access?: Access): ContextMesh {
    return ContextMesh[construct](this, { user: checkName('user', user), agent: hostName, all: true, access })
  }
}
