/** What the executions of one `Steps` share. */
import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Random } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { Inbox } from '../inbox-port.ts'
import type { Journals } from '../journal-port.ts'
import type { StepSpec } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import type { Inside, StepLimits } from './life.ts'
import type { UncertainEffects } from './uncertain.ts'

/** An execution as those who keep it know it. */
export interface KeptExecution {
  readonly spec: StepSpec
  /** Its continuation is dropped. */
  drop(): void
}

export interface StepsContext {
  readonly storage: Storage
  readonly journals: Journals
  readonly inbox: Inbox
  readonly timers: Timers
  readonly clock: Clock
  readonly random: Random
  readonly limits: StepLimits
  readonly inside: AsyncLocalStorage<Inside>
  readonly uncertain: UncertainEffects
  readonly mayAct?: () => Promise<void> | undefined
  readonly redact?: (text: string) => string
  parked(execution: KeptExecution): void
  resumed(execution: KeptExecution): void
  over(execution: KeptExecution): void
}
