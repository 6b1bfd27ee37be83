/** Opens a context mesh without a troupe. */
import {
  type Clock,
  captureOptions,
  checkOptions,
  checkText,
  createEvents,
  createIds,
  type Duration,
  milliseconds,
  systemClock,
  systemRandom,
  type UserId,
} from '../core/index.ts'
import { Access, type AccessOptions, checkGrants } from '../security/index.ts'
import { createBlobs, openStorage } from '../storage/index.ts'
import type { ContextClient } from './context-client.ts'
import type { ContextMesh } from './context-mesh.ts'
import { contextMigrations } from './context-migrations.ts'
import type { Lifecycle } from './entries/lifecycle.ts'
import { Mesh } from './mesh.ts'
import type { ContextLimits } from './mesh-core.ts'

/** Options of `openContext`. */
export interface OpenContextOptions {
  /** The limits of the context; the defaults are those of `ContextLimits`. */
  readonly limits?: ContextLimits
  /** Named times to live; `push(key, value, { lifecycle: name })` uses one. */
  readonly lifecycles?: Readonly<Record<string, Lifecycle>>
  /** The pause between two cleanups of expired entries; 5 min by default, at least 1 s. */
  readonly cleanup?: Duration
  /** The clock of the mesh; that of the machine by default. */
  readonly clock?: Clock
}

/** A context mesh without a troupe. */
export interface OpenedContext extends AsyncDisposable {
  /** Returns the context of one user for trusted code: it reads all entries and writes as `host`. */
  context(user: UserId): ContextMesh
  /**
   * Returns the context of one agent.
   * @param access its role (`contributor` when absent), `allow` and `deny`
   * @throws ValidationError for a name, role or list that is not allowed
   */
  agent(user: UserId, name: string, access?: AccessOptions): ContextClient
  /** Ends every watch and closes the storage. Later calls wait for the same end. */
  close(): Promise<void>
}

/**
 * Opens a context mesh alone on a storage: no agents, messages or runs, no encryption and no audit log. A database that
 * a troupe has opened cannot be opened here; a troupe can open a database that was made here.
 * @param url `memory:`, `sqlite:PATH` or `postgres://…`
 * @throws ValidationError for an unknown option or URL; ValidationError `storage.too_new` for the database of a troupe
 * @example
 * await using mesh = await openContext('sqlite:./data/context.db')
 * await mesh.agent('ada', 'Support').push('orders.17.status', { paid: true })
 */
export async function openContext(url: string, options: OpenContextOptions = {}): Promise<OpenedContext> {
  checkText('openContext', url)
  checkOptions('openContext', options, ['limits', 'lifecycles', 'cleanup', 'clock'])
  const { clock = systemClock, ...meshOptions } = captureOptions(options)
  if (meshOptions.cleanup !== undefined) milliseconds(meshOptions.cleanup, 'openContext.cleanup', '1s')
  const random = systemRandom
  const storage = await openStorage({ url, migrations: contextMigrations, clock, random })
  try {
    const platform = { clock, random, ids: createIds(clock, random), events: createEvents(() => {}) }
    const mesh = new Mesh({ storage, blobs: await createBlobs(storage), platform }, meshOptions)
    mesh.cleaner.start()
    let closed: Promise<void> | undefined
    const close = () => (closed ??= mesh.close().finally(() => storage.close()))
    return {
      context: (user) => mesh.host(user),
      agent(user, name, access = {}) {
        checkOptions('agent', access, ['role', 'allow', 'deny'])
        checkGrants(access)
        return mesh.agent(user, name, new Access(access))
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}
