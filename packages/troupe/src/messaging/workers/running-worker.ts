/** A worker that has been started, as the application and its supervisor see it. */
import type { Message } from '../message.ts'
import type { MessageType } from '../message-type.ts'
import type { AgentDetail } from './presence.ts'

/** A started worker. `await using` stops it at the end of the block. */
export interface RunningWorker extends AsyncDisposable {
  /** The worker as presence announces it. */
  readonly detail: AgentDetail
  /** The message types that it handles, one by one or in batches. */
  readonly types: readonly MessageType[]
  /**
   * Stops the worker: it receives no more messages, the handlers in progress end, then `onStop` is called. In a handler or
   * hook of the worker it resolves at once, because the worker ends after that one.
   */
  stop(): Promise<void>
}

export interface HaltableWorker extends RunningWorker {
  /**
   * Stops a worker that may hang: its handlers are aborted, their messages are released, and the wait for them is
   * limited. Never rejects.
   */
  halt(): Promise<void>
}

/** Reports a worker that may have to be restarted. The errors of handlers are not thrown. */
export interface WorkerWatch {
  /** The time in ms after which a handler in progress hangs; undefined for no limit. */
  readonly hangMs: number | undefined
  readonly hung: (message: Message) => void
  /** The number of failed handlers in a row that is reported, once; undefined for no report. */
  readonly failures: number | undefined
  readonly failing: (count: number, error: unknown) => void
}
