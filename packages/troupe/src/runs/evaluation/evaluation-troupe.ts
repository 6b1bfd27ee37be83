/** A world of its own for one run that is evaluated: a troupe in memory that nobody else sees, ended with the run. */
import type { ContextClient } from '../../context/index.ts'
import type { Recording, UserId } from '../../core/index.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'

export interface EvaluationTroupe {
  readonly host: OrchestraHost
  /** Its context in the hands of whoever owned an entry. */
  readonly context: (user: UserId, owner: string) => ContextClient
  close(): Promise<void>
}

/** @param recording answers in the place of tools and effects; without one they are carried out */
export type OpenEvaluationTroupe = (recording: Recording | undefined) => Promise<EvaluationTroupe>
