/** Who watches a project: told when the run is known, and of each event that this process sees happen. */
import type { RunEvent, TroupeEvent } from 'troupe'
import type { Project } from './team/shapes.ts'

export type ModelEvent = TroupeEvent<'model.called'> | TroupeEvent<'model.retried'>

export interface Watcher {
  /** Before there is a run. */
  report(what: string): void
  /** @param since when this process took the run over; what happened before was told by the process before */
  begins(run: string, project: Project, resumed: boolean, since: number): void
  event(event: RunEvent): void
  /** A call of a model ended, or is made once more after a pause. */
  model(event: ModelEvent): void
  ends(): void | Promise<void>
  /** The report is written. */
  reported(path: string): void
}
