/** The parts of a fork that concern the steps of its source. */
import type { Json, UserId } from '../../../core/index.ts'
import type { JournalRecord } from '../../../journal/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'

/** The source of a fork or a retry, and the `seq` of the last shared event. */
interface ForkedFrom {
  readonly run: string
  readonly at: number
  readonly retry?: object
}

export const forkedFrom = ({ more }: Pinned): ForkedFrom | undefined =>
  (more as { readonly fork?: ForkedFrom } | undefined)?.fork

export interface ForkedSteps {
  readonly user: UserId
  readonly source: {
    readonly run: string
    readonly records: readonly JournalRecord[]
    readonly pinned: Pinned
  }
  readonly run: string
  /** The state of the fork at its start. */
  readonly state: State
  /** The answered waits of each step. */
  readonly answered: ReadonlyMap<string, ReadonlySet<string>>
  /** Steps that handle requests of other agents, also ended ones. */
  readonly serving: ReadonlySet<string>
  /** The ended child runs. */
  readonly charged: ReadonlySet<string>
  /** Steps that were not waiting also continue with their records, up to their failure. */
  readonly all?: boolean
  /** True if effects of class `at-most-once` may be repeated. */
  readonly repeat: boolean
}

/** The fields of a journal record that a fork reads. */
export type StepLogEntry = {
  readonly t: string
  readonly id?: string
  readonly v?: Json
  readonly e?: Json
  /** The effect class of a claim, and its idempotency key. */
  readonly c?: string
  readonly k?: string
  /** The hash of the input of the call. */
  readonly h?: string
  /** Calls whose writes were committed. */
  readonly w?: readonly string[]
}
