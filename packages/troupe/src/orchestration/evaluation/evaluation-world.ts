/** A world of its own for one run that is evaluated: a troupe in memory that nobody else sees, ended with the run. */
import type { ContextHands } from '../../context/index.ts'
import type { Tape, UserId } from '../../core/index.ts'
import type { OrchestraHost } from '../orchestra/orchestra-host.ts'

export interface EvaluationWorld {
  readonly host: OrchestraHost
  /** Its context in the hands of whoever owned an entry. */
  readonly context: (user: UserId, owner: string) => ContextHands
  close(): Promise<void>
}

/** @param tape answers in the place of tools and effects; without one they are carried out */
export type OpenWorld = (tape: Tape | undefined) => Promise<EvaluationWorld>
