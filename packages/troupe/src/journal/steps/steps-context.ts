/** The parts that the executions of one `Steps` share. */
import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Events, LastReturn, Random } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { UncertainEffects } from '../effects/uncertain-effects.ts'
import type { UnrecordedOutcomes } from '../effects/unrecorded-outcomes.ts'
import type { Inbox } from '../inbox-port.ts'
import type { Journals } from '../journals/create-journals.ts'
import type { StepSpec } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import type { EffectScope, StepLimits } from './execution.ts'
import type { SuspectQueue } from './suspect-queue.ts'

/** A parked execution in the memory of this process. */
export interface ParkedExecution {
  readonly spec: StepSpec
  /** Drops the continuation. */
  drop(): void
}

export interface StepsOptions {
  readonly storage: Storage
  readonly journals: Journals
  readonly inbox: Inbox
  readonly timers: Timers
  readonly clock: Clock
  readonly random: Random
  /** Receives the events of steps. */
  readonly events?: Events
  readonly limits?: Partial<StepLimits & { readonly continuations: number }>
  /**
   * Called before each effect of a leased step begins: returns nothing while this process surely still has its lease,
   * otherwise a promise that resolves if it does, or rejects.
   */
  readonly checkLease?: () => Promise<void> | undefined
  /** Removes secrets from recorded errors. */
  readonly redact?: (text: string) => string
}

export interface StepsContext extends Omit<StepsOptions, 'limits'> {
  readonly lastReturn: LastReturn
  readonly limits: StepLimits
  readonly effectScope: AsyncLocalStorage<EffectScope>
  readonly uncertain: UncertainEffects
  readonly suspects: SuspectQueue
  readonly unrecorded: UnrecordedOutcomes
  parked(machine: ParkedExecution): void
  resumed(machine: ParkedExecution): void
  over(machine: ParkedExecution): void
}

/** Returns true if the step belongs to this process only while its lease lasts. */
export const needsLease = ({ runId, isLeased = false }: StepSpec): boolean => isLeased || runId !== undefined

/** The part of the context that each execution of a step uses. */
export const executionParts = ({
  clock,
  events,
  lastReturn,
  timers,
  effectScope,
  limits,
  uncertain,
}: StepsContext) => ({
  clock,
  events,
  lastReturn,
  timers,
  effectScope,
  limits,
  uncertain,
})
