/** A step as its parts see it: its user, its run, and the pinned dependencies of the run. */
import type { Agent } from '../../../../agents/index.ts'
import type { UserId } from '../../../../core/index.ts'
import type { Pinned } from '../../../machine/machine-events.ts'

export interface RunStep {
  readonly user: UserId
  readonly run: string
  readonly step: string
  /** The acting agent: the agent of the step, or its helper. */
  readonly agent: string
  /** The agents of the run, by name. */
  readonly agents: ReadonlyMap<string, Agent>
  readonly pinned: Pinned
  /** Called for each child run that the step has started. */
  readonly onChildRun: () => void
}
