/** Carries out `children.cancel`: the run ends when its child runs have. */
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
  { children }: Pick<OrchestraParts, 'children'>,
  owner: CancelledRun,
): Promise<void> {
  await children.cancelAll(owner.user, owner.run, owner.pinned.config.timeouts.grace)
  // Where the run is another's by now, its next owner does the same.
  await owner.apply((at) => ({ at, type: 'children.cancelled' })).catch(() => {})
}
