/** The port of the host of runs: for waiting, commands and child runs. */
import type { Agent } from '../../agents/index.ts'
import type { UserId } from '../../core/index.ts'
import type { UncertainEffect } from '../../journal/index.ts'
import type { CommandOptions } from './commands/command-options.ts'
import type { Order } from './commands/run-message.ts'
import type { RunOwner } from './execution/run-owner.ts'
import type { ForkSource } from './forks/fork-run.ts'
import type { OrchestraParts } from './orchestra-parts.ts'
import type { RunRow } from './store/run-store.ts'

export interface RowWithUncertain {
  readonly row: RunRow
  readonly uncertain: readonly UncertainEffect[]
}

export interface RunHost {
  readonly parts: OrchestraParts
  readonly isClosed: boolean
  /** @throws NotFoundError `run.unknown` */
  row(user: UserId, run: string): Promise<RunRow>
  /**
   * Reads a run with the uncertain effects of the user at the same time.
   * @throws NotFoundError `run.unknown`
   */
  rowWithUncertain(user: UserId, run: string): Promise<RowWithUncertain>
  /** Returns true if this process executes the run now, so that its row is not up to date. */
  works(user: UserId, run: string): boolean
  own(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<RunOwner>
  /** Reads a run, ended or not, with the code of its agents. @throws ConflictError `run.agents_missing` */
  source(user: UserId, run: string): Promise<ForkSource>
  /** Stores the code of a new run before the run is durable, because a cancellation may follow at once. */
  rememberCode(user: UserId, run: string, agents: ReadonlyMap<string, Agent>): void
  claimRun(user: UserId, run: string): Promise<void>
  arrived(user: UserId, run: string): Promise<void>
  submit(user: UserId, run: string, order: Order, options?: CommandOptions): Promise<void>
  awaitEnd(user: UserId, run: string, signal?: AbortSignal): Promise<void>
  /** @param live whether the owner, if it is another process, sends the live parts of the run to this one */
  nextEvents(
    user: UserId,
    run: string,
    signal?: AbortSignal,
    live?: boolean,
  ): { readonly promise: Promise<void>; readonly stop: () => void }
}
