/** A step that this process executes, or that is parked in it. */
import type { GuardrailTrip } from '../../../../agents/index.ts'
import type { StepSpec } from '../../../../journal/index.ts'
import type { Command, StepUsage } from '../../../machine/machine-events.ts'
import type { StepHooks, StepProgress } from './step-hooks.ts'

export type Execute = Extract<Command, { readonly type: 'step.execute' }>

export interface Flight {
  readonly command: Execute
  readonly hooks: StepHooks
  readonly controller: AbortController
  /** Undefined while the step is parked or waits for its next execution. */
  running: Promise<void> | undefined
  /** True while the step waits for its next execution after a storage error. */
  retrying: boolean
  /** True if an answer came while the step was being parked. */
  needsRestart: boolean
  /** The number of executions that began here. */
  executions: number
  /** The number of executions in a row that failed and are repeated. */
  failures: number
  /** How its first execution here begins. */
  entry: StepSpec['entry']
  /** The step has started child runs: their messages in the run's inbox are processed before its end. */
  hasChildRuns: boolean
  /** The usage of the execution so far. */
  usage: StepUsage | undefined
  /** The trips of guardrails of the execution so far, by their ids. */
  trips: Map<string, GuardrailTrip>
}

/** More trips of one step are not recorded in the run. */
const maxTrips = 100

export function addTrip({ trips }: Flight, trip: GuardrailTrip): void {
  if (trips.size < maxTrips) trips.set(trip.id, trip)
}

export const progressIn = ({ usage, trips }: Flight): StepProgress => ({ usage, trips: [...trips.values()] })
