/** What those who wait for runs, command them, or start some below others ask of whoever has all runs of this process. */
import type { Agent } from '../../agents/index.ts'
import type { UserId } from '../../core/index.ts'
import type { CommandOptions, Patience } from './command-options.ts'
import type { OrchestraParts } from './parts.ts'
import type { RunOwner } from './run-owner.ts'
import type { RunRow } from './run-store.ts'
import type { Order } from './wire.ts'

export interface RunHost {
  readonly parts: OrchestraParts
  readonly isClosed: boolean
  /** @throws NotFoundError `run.unknown` */
  row(user: UserId, run: string): Promise<RunRow>
  own(user: UserId, run: string, given?: ReadonlyMap<string, Agent>): Promise<RunOwner>
  carriedOn(user: UserId, run: string, patience: Patience): Promise<void>
  takeUp(user: UserId, run: string): Promise<void>
  arrived(user: UserId, run: string): Promise<void>
  give(user: UserId, run: string, order: Order, options?: CommandOptions): Promise<void>
  ended(user: UserId, run: string, signal?: AbortSignal): Promise<void>
  nextEvents(
    user: UserId,
    run: string,
    signal?: AbortSignal,
  ): { readonly promise: Promise<void>; readonly stop: () => void }
}
