/** A worker that has been started, as the application and its supervisor see it. */
import type { Message } from '../message.ts'
import type { MessageType } from '../message-type.ts'
import type { AgentDetail } from './presence.ts'

export interface RunningWorker extends AsyncDisposable {
  readonly detail: AgentDetail
  /** The types that it handles, by themselves or in batches. */
  readonly types: readonly MessageType[]
  /** Takes nothing more, waits for the handlers at work, then calls `onStop`. */
  stop(): Promise<void>
}

export interface HaltableWorker extends RunningWorker {
  /**
   * Stops it although it may hang: handlers are cut off where they stand, their messages are free for others, and what
   * does not listen is waited for no longer than a while. Never rejects.
   */
  halt(): Promise<void>
}

/** What is told of a worker that may not be fit to go on; handlers' errors stay inside all the same. */
export interface WorkerWatch {
  /** ms after which a handler at work hangs; undefined: never. */
  readonly hangMs: number | undefined
  readonly hung: (message: Message) => void
  /** Handlers in a row that failed, after which it is told once; undefined: never. */
  readonly failures: number | undefined
  readonly failing: (count: number, error: unknown) => void
}
