/** The types of a supervisor for its caller, its children and its services. */
import type { Clock, EventPayloads, MatchedName, Random } from '../../core/index.ts'
import type { HaltableWorker, WorkerWatch } from '../workers/running-worker.ts'
import type { Worker } from '../workers/worker.ts'

/** The state of a child of a supervisor. */
export interface ChildState {
  /** The name of the worker or of the group. */
  readonly name: string
  /** `starting` until the first start has succeeded; `restarting` while it is stopped after a failure. */
  readonly status: 'starting' | 'running' | 'restarting' | 'stopped'
  /** The number of restarts, including those because of another child's failure. */
  readonly restarts: number
  /** The error of its last failure; absent if it has not failed. */
  readonly error?: Error
  /** The children of a group; absent for a worker. */
  readonly children?: readonly ChildState[]
}

/** Why the supervisor ended: it was stopped, or it escalated. */
export type SupervisionEnd =
  | { readonly status: 'stopped' }
  | {
      readonly status: 'escalated'
      /** The error that exceeded the allowed restarts. */
      readonly error: Error
    }

/** A running supervisor. `await using` stops it at the end of the block. */
export interface Supervision extends AsyncDisposable {
  /** The name of the supervisor. */
  readonly name: string
  /** `restarting` while one of its children is not running. */
  readonly status: 'starting' | 'running' | 'restarting' | 'escalated' | 'stopped'
  /** Returns the states of the children, in the order of their start. */
  children(): readonly ChildState[]
  /** Resolves when the supervisor has ended. It never rejects. */
  readonly ended: Promise<SupervisionEnd>
  /** Stops all children, the last first; handlers in progress complete, except for those that hang. */
  stop(): Promise<void>
}

/** A group, which its supervisor starts. */
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
  /** @throws the error of the worker's onStart */
  readonly start: (worker: Worker, watch: WorkerWatch) => Promise<HaltableWorker>
}

/** A started child: `stop` waits for handlers, `halt` does not wait for handlers that hang. */
export interface StartedChild {
  stop(): Promise<void>
  halt(): Promise<void>
}

export interface Child {
  readonly name: string
  /** @param failed called at most once, after the start */
  begin(failed: (error: unknown) => void): Promise<StartedChild>
  /** The states of its children, if it is a started supervisor. */
  children?(): readonly ChildState[]
}
