/** How a command is given to a run. */
export interface CommandOptions {
  /** Given again with the same id within a day it is done once, and answered as at first. */
  readonly id?: string
  /** Takes the command back, if the run has not taken it in yet. */
  readonly signal?: AbortSignal
}

/** What was found about a run that is not carried on here, and when, by the monotonic clock. */
export interface RetryWindow {
  /** Another process has it: asked at the latest look. */
  ownedByOtherSince?: number
  /** No process has it, and this one cannot take it: since then. */
  unable?: number
  /** Of the storage, which has failed since then. */
  storageFailedSince?: number
}
