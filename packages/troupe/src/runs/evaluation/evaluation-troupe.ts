/** A separate troupe in memory for one evaluated run, which is closed after the run. */
import type { ContextClient } from '../../context/index.ts'
import type { Recording, UserId } from '../../core/index.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'

export interface EvaluationTroupe {
  readonly host: OrchestraHost
  /** Returns the context client of the owner of an entry. */
  readonly context: (user: UserId, owner: string) => ContextClient
  close(): Promise<void>
}

/** @param recording provides the results of tools and effects; if undefined, they are executed */
export type OpenEvaluationTroupe = (recording: Recording | undefined) => Promise<EvaluationTroupe>
