/** A mesh on a real storage, for the tests of this room. */
import { type Clock, createEvents, createIds, seededRandom, type TroupeEvent } from '../core/index.ts'
import { createIncidents, securityMigrations } from '../security/index.ts'
import { createBlobs, openStorage, type Storage } from '../storage/index.ts'
import { contextMigrations } from './context-migrations.ts'
import { createContextMesh } from './mesh.ts'
import type { MeshParts } from './mesh-core.ts'

export interface Opened extends AsyncDisposable {
  readonly storage: Storage
  readonly mesh: ReturnType<typeof createContextMesh>
  readonly incidents: ReturnType<typeof createIncidents>
  readonly events: readonly TroupeEvent[]
}

export async function openMesh(
  clock: Clock,
  options: { readonly url?: string } & Partial<Pick<MeshParts, 'limits' | 'lifecycles'>> = {},
): Promise<Opened> {
  const { url = 'memory:', ...rest } = options
  const random = seededRandom('context')
  const ids = createIds(clock, random)
  const seen: TroupeEvent[] = []
  const failures: unknown[] = []
  const events = createEvents((error) => failures.push(error))
  events.on('*', (event) => seen.push(event))
  const storage = await openStorage({ url, migrations: [...contextMigrations, ...securityMigrations], clock, random })
  const incidents = createIncidents({ storage, clock, ids, events })
  const blobs = await createBlobs(storage)
  const mesh = createContextMesh({ storage, clock, random, ids, events, incidents, blobs, ...rest })
  return {
    storage,
    mesh,
    incidents,
    events: seen,
    async [Symbol.asyncDispose]() {
      await mesh.close()
      await incidents.settled()
      await storage.close()
    },
  }
}
