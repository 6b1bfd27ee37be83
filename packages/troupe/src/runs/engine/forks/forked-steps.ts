/** What a fork is made of, as far as it concerns the steps of its source. */
import type { Json, UserId } from '../../../core/index.ts'
import type { JournalRecord } from '../../../journal/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'

/** Of which run a run is a fork, or another try, and the `seq` of the last event that it shares. */
interface ForkedFrom {
  readonly run: string
  readonly at: number
  readonly retry?: object
}

export const forkedFrom = ({ more }: Pinned): ForkedFrom | undefined =>
  (more as { readonly fork?: ForkedFrom } | undefined)?.fork

export interface ForkedSteps {
  readonly user: UserId
  readonly source: { readonly run: string; readonly records: readonly JournalRecord[] }
  readonly run: string
  /** Of the fork, where it begins. */
  readonly state: State
  /** Waits that each step had been answered. */
  readonly answered: ReadonlyMap<string, ReadonlySet<string>>
  /** Steps that serve requests of others, also those that are over. */
  readonly serving: ReadonlySet<string>
  /** Runs that its steps had started, and that had ended. */
  readonly charged: ReadonlySet<string>
  /** Also steps that waited for nothing go on with what they had recorded, up to how they failed. */
  readonly all?: boolean
  /** Effects of class `at-most-once` may be repeated. */
  readonly repeat: boolean
}

/** An entry of a step's log, as far as a fork looks into it. */
export type StepLogEntry = {
  readonly t: string
  readonly id?: string
  readonly v?: Json
  readonly e?: Json
  /** The class of a claim, and its key. */
  readonly c?: string
  readonly k?: string
  /** The hash of what the call was given. */
  readonly h?: string
  /** Calls whose writes were committed. */
  readonly w?: readonly string[]
}
