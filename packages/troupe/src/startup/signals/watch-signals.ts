/** Handles the signals that end a process, and uncaught errors. */
import { checkFunction, checkOptions } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'
import { type DrainOptions, type DrainResult, readDrainOptions } from '../drain-parts.ts'

/** The options of the shutdown that a signal or an uncaught error starts. */
export interface SignalOptions extends DrainOptions {
  /** Ends the process; `process.exit` by default. */
  readonly exit?: (code: number) => void
}

interface Drainable {
  drain(options: DrainOptions): Promise<DrainResult>
}

/** The exit codes of a shell for a process that was ended by a signal. */
const codeOf = { SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof codeOf

/**
 * Drains the troupe on SIGTERM and SIGINT and ends the process: with exit code 0 if everything ended in time, else with 1.
 * A second signal ends the process at once with 128 + its number. An uncaught error is logged; then the troupe is drained
 * and the process ends with 1.
 * @returns a function that removes the handlers
 */
export function watchSignals(
  troupe: Drainable,
  log: Log,
  { exit = (code) => process.exit(code), ...options }: SignalOptions,
): () => void {
  let ending = false
  const end = async (code: number) => {
    ending = true
    const { isComplete } = await troupe.drain(options).catch(() => ({ isComplete: false }))
    off()
    exit(isComplete ? code : 1)
  }
  const onSignal = (signal: Signal) => {
    if (ending) return exit(codeOf[signal])
    log.info('received a signal to end: the troupe drains', { signal })
    void end(0)
  }
  const onFailure = (thrown: unknown) => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    log.error('fatal: uncaught error; the process ends', { error })
    if (!ending) void end(1)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('uncaughtException', onFailure)
  process.on('unhandledRejection', onFailure)
  const off = () => {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
    process.off('uncaughtException', onFailure)
    process.off('unhandledRejection', onFailure)
  }
  return off
}

/** Checks the options before a signal arrives, since an error at shutdown would come too late. @throws ValidationError */
export function checkSignalOptions(options: SignalOptions): void {
  checkOptions('signals', options, ['timeout', 'closing', 'exit'])
  readDrainOptions(options)
  if (options.exit !== undefined) checkFunction('exit', options.exit)
}
