/** Finds out whether a run may be addressed through another one. */
import type { UserId } from '../../../core/index.ts'
import type { RunHost } from '../run-host.ts'

/** Returns whether a run is a child run, at any depth, of another one and has not ended. */
export async function isOpenChild(host: RunHost, user: UserId, run: string, child: string): Promise<boolean> {
  const row = await host.parts.stores.store.get(user, child)
  return row?.parent?.above.includes(run) === true && row.endedAt === null
}
