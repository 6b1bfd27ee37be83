/** Executes `children.cancel`: the run ends after its child runs. */
import type { UserId } from '../../../core/index.ts'
import type { Input, Pinned } from '../../machine/machine-events.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'

interface CancelledRun {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
  apply(make: (at: number) => Input): Promise<void>
}

export async function cancelChildren(
  { host: { children } }: Pick<OrchestraParts, 'host'>,
  owner: CancelledRun,
): Promise<void> {
  await children.cancelAll(owner.user, owner.run, owner.pinned.config.timeouts.grace)
  // If another process owns the run now, that process cancels the child runs.
  await owner.apply((at) => ({ at, type: 'children.cancelled' })).catch(() => {})
}
