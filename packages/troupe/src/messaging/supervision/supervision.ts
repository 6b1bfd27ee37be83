/** What a supervisor is to those who asked for it, to what is below it, and what it works with. */
import type { Clock, EventPayloads, MatchedName, Random } from '../../core/index.ts'
import type { HaltableWorker, WorkerWatch } from '../workers/running-worker.ts'
import type { Worker } from '../workers/worker.ts'

export interface ChildState {
  readonly name: string
  /** `starting`: not up yet for the first time. */
  readonly status: 'starting' | 'running' | 'restarting' | 'stopped'
  /** How often it was started anew, also because another failed. */
  readonly restarts: number
  /** Of its last failure. */
  readonly error?: Error
  /** Of a group. */
  readonly children?: readonly ChildState[]
}

/** How it ended: because somebody stopped it, or because it gave up. */
export type SupervisionEnd = { readonly status: 'stopped' } | { readonly status: 'escalated'; readonly error: Error }

export interface Supervision extends AsyncDisposable {
  readonly name: string
  /** `restarting` while one of its children is not up. */
  readonly status: 'starting' | 'running' | 'restarting' | 'escalated' | 'stopped'
  children(): readonly ChildState[]
  /** Never rejects. */
  readonly ended: Promise<SupervisionEnd>
  /** Stops all, the last first; handlers at work come to their end, but for those that hang. */
  stop(): Promise<void>
}

/** Of a group: started by the supervisor above it. */
export interface StartableSupervision extends Supervision {
  start(): Promise<void>
}

export interface SuperviseParts {
  readonly clock: Clock
  readonly random: Random
  readonly emit: <Name extends MatchedName<'worker.*' | 'supervision.*'>>(
    type: Name,
    fields: EventPayloads[Name],
    error: unknown,
  ) => void
  /** @throws what the worker's onStart throws */
  readonly start: (worker: Worker, watch: WorkerWatch) => Promise<HaltableWorker>
}

/** What was begun: `stop` lets handlers end, `halt` does not wait for what hangs. */
export interface StartedChild {
  stop(): Promise<void>
  halt(): Promise<void>
}

export interface Child {
  readonly name: string
  /** @param failed told once, after it was begun */
  begin(failed: (error: unknown) => void): Promise<StartedChild>
  /** Of those below it, where it is a supervisor that was begun. */
  children?(): readonly ChildState[]
}
