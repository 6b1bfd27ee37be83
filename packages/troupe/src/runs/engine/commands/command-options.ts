/** The options of a command to a run, and what is known of the run while the command waits. */
import { checkOptions, checkSignal } from '../../../core/index.ts'

/** The options of a command to a run. */
export interface CommandOptions {
  /** A command that is sent again with the same id within a day is executed once and gets the first answer. */
  readonly id?: string
  /** Takes the command back, if the run has not accepted it yet. */
  readonly signal?: AbortSignal
}

/** @throws ValidationError; CancelledError if the signal has aborted */
export function checkCommand(what: string, options: CommandOptions): void {
  checkOptions(what, options, ['id', 'signal'])
  checkSignal(what, options.signal)
}

/** The findings of earlier checks of a run that this process does not own: times in ms of the monotonic clock. */
export interface RetryWindow {
  /** Another process owns the run since then, as of the last check. */
  ownedByOtherSince?: number
  /** No process owns the run since then, and this process cannot take it over. It waits `ms`. */
  unable?: { readonly since: number; readonly ms: number }
}
