/** Stops the work for a user in this process and drops the user's caches, because the user is being erased. */
import type { Services } from '../../agents/index.ts'
import type { Mesh } from '../../context/index.ts'
import type { UserId } from '../../core/index.ts'
import type { Steps } from '../../journal/index.ts'
import type { RunningWorker, Supervision } from '../../messaging/index.ts'
import type { Observation } from '../../operations/index.ts'
import type { Cache } from '../../resilience/index.ts'
import type { OrchestraHost, ScheduleHost } from '../../runs/index.ts'

interface Working {
  readonly orchestra: OrchestraHost
  readonly schedules: ScheduleHost
  readonly steps: Steps
  /** Each entry with its user. */
  readonly workers: ReadonlyMap<RunningWorker, UserId>
  readonly supervisions: ReadonlyMap<Supervision, UserId>
  readonly mesh: Mesh
  readonly services: Services
  readonly observation: Observation
  readonly cache: Cache
}

/** @returns a function that allows new work under the id */
export async function releaseUser(
  { orchestra, schedules, steps, workers, supervisions, mesh, services, observation, cache }: Working,
  user: UserId,
): Promise<() => void> {
  const begin = [await schedules.forget(user), await orchestra.forget(user), await steps.forget(user)]
  await Promise.all([...supervisions, ...workers].map(([each, of]) => (of === user ? each.stop() : undefined)))
  mesh.forget(user)
  services.models.forget?.(user)
  await observation.forget(user)
  cache.forget((key) => key.startsWith(`${JSON.stringify(user)} `))
  return () => {
    // Also values that were read while the rows were deleted.
    mesh.forget(user)
    for (const each of begin) each()
  }
}
