/** A mesh on a real storage, for the tests of this module. */
import { type Clock, createEvents, createIds, type EventFields, seededRandom, systemRandom } from '../core/index.ts'
import { journalMigrations } from '../journal/index.ts'
import { createIncidents, openAudit, openEncryption, securityMigrations } from '../security/index.ts'
import { createBlobs, type Faults, openStorage, type Storage } from '../storage/index.ts'
import { contextMigrations } from './context-migrations.ts'
import { contextTables } from './context-tables.ts'
import { Mesh } from './mesh.ts'
import type { CallerPatterns, MeshOptions } from './mesh-core.ts'

export interface Opened extends AsyncDisposable {
  readonly storage: Storage
  readonly mesh: Mesh
  readonly incidents: ReturnType<typeof createIncidents>
  readonly events: readonly EventFields[]
}

export async function openMesh(
  clock: Clock,
  options: {
    readonly url?: string
    readonly schema?: string
    readonly encrypted?: boolean
    readonly faults?: Omit<Faults, 'clock' | 'random'>
    /** With the tables of steps. */
    readonly durable?: boolean
    readonly patterns?: CallerPatterns
  } & Pick<MeshOptions, 'limits' | 'lifecycles'> = {},
): Promise<Opened> {
  const { url = 'memory:', schema, encrypted = false, faults, durable = false, patterns, ...rest } = options
  const random = seededRandom('context')
  const ids = createIds(clock, random)
  const seen: EventFields[] = []
  const failures: unknown[] = []
  const events = createEvents((error) => failures.push(error))
  events.on('*', (event) => seen.push(event))
  const migrations = [...contextMigrations, ...securityMigrations, ...(durable ? journalMigrations : [])]
  const onServer = schema === undefined ? {} : { postgres: { schema }, time: 'clock' as const }
  const failing = faults ? { faults: { clock, random, ...faults } } : {}
  const bare = await openStorage({ url, migrations, clock, random, ...onServer, ...failing })
  const config = encrypted ? { keys: [{ id: 'test', key: new Uint8Array(32) }] } : undefined
  const failed = (error: unknown) => failures.push(error)
  const { storage } = await openEncryption({ storage: bare, config, clock, events, tables: contextTables, failed })
  // Its ids are none that the seed gives again.
  const chance = { clock, random: systemRandom, ids: createIds(clock, systemRandom), events }
  const audit = await openAudit({ storage, platform: chance, holder: 'test', failed: () => {} })
  const incidents = createIncidents({ audit, events })
  const blobs = await createBlobs(storage)
  const platform = { clock, random, ids, events }
  const security = { incidents, audit, ...(patterns ? { patterns } : {}) }
  const mesh = new Mesh({ storage, blobs, platform, security }, rest)
  return {
    storage,
    mesh,
    incidents,
    events: seen,
    async [Symbol.asyncDispose]() {
      await mesh.close()
      await incidents.flush()
      await storage.close()
    },
  }
}
