/** A step as its hands know it: whose it is, in which run, and what that run depends on. */
import type { Agent } from '../../../../agents/index.ts'
import type { UserId } from '../../../../core/index.ts'
import type { Pinned } from '../../../machine/machine-events.ts'

export interface RunStep {
  readonly user: UserId
  readonly run: string
  readonly step: string
  /** Who acts: the agent of the step, or one that helps it. */
  readonly agent: string
  /** Of the run, by name. */
  readonly agents: ReadonlyMap<string, Agent>
  readonly pinned: Pinned
  /** Told of each run that the step has started. */
  readonly onChildRun: () => void
}
