/** A run as the parts of its steps see it: its user and the pinned dependencies. */
import type { Agent } from '../../../../agents/index.ts'
import type { UserId } from '../../../../core/index.ts'
import type { Pinned } from '../../../machine/machine-events.ts'

/** A run with the code of its agents. */
export interface CodedRun {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
  /** The agents of the run, by name. */
  readonly agents: ReadonlyMap<string, Agent>
}

/** One execution of a step. */
export interface RunStep extends CodedRun {
  readonly step: string
  /** The acting agent: the agent of the step, or its helper. */
  readonly agent: string
  /** Called for each child run that the step has started. */
  readonly onChildRun: () => void
}
