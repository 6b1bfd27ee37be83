/** Stops the work for a user in this process and drops the user's caches, because the user is being erased. */
import type { UserId } from '../../core/index.ts'
import type { TroupeParts } from '../../operations/index.ts'

export type WorkOfUsers = Pick<TroupeParts, 'runs' | 'journal' | 'work'>
export type CachesOfUsers = Pick<TroupeParts, 'communication' | 'agents' | 'stores' | 'observability'>

/** @returns a function that allows new work under the id */
export async function releaseUser(
  { runs: { schedules, orchestra }, journal: { steps }, work: { supervisions, workers } }: WorkOfUsers,
  caches: CachesOfUsers,
  user: UserId,
): Promise<() => void> {
  const begin = [await schedules.forget(user), await orchestra.forget(user), await steps.forget(user)]
  await Promise.all([...supervisions, ...workers].map(([each, of]) => (of === user ? each.stop() : undefined)))
  await dropCaches(caches, user)
  return () => {
    // Also values that were read while the rows were deleted.
    caches.communication.mesh.forget(user)
    for (const each of begin) each()
  }
}

export async function dropCaches(
  { communication: { mesh }, agents: { services }, stores: { cache }, observability: { observation } }: CachesOfUsers,
  user: UserId,
): Promise<void> {
  mesh.forget(user)
  services.external.models.forget?.(user)
  await observation.forget(user)
  cache.forget((key) => key.startsWith(`${JSON.stringify(user)} `))
}
