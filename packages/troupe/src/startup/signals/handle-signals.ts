/** `handleSignals`: ends a process without losing accepted work. */
import { invalidInput, isInstance } from '../../core/index.ts'
import { partsOf, Troupe } from '../troupe.ts'
import { checkSignalOptions, type SignalOptions, watchSignals } from './watch-signals.ts'

/**
 * Drains the troupe on SIGTERM and SIGINT and ends the process: with exit code 0 if everything ended in time, else with 1.
 * A second signal ends the process at once with 128 + its number. An uncaught error is logged; then the troupe is drained
 * and the process ends with 1.
 * `createTroupe({ signals: true })` does the same.
 * @returns a function that removes the handlers; closing the troupe removes them too
 * @throws ValidationError for an unknown option, or if the argument is not a troupe
 * @example
 * const server = await serve(troupe)
 * handleSignals(troupe, { timeout: '25s', closing: [() => server.close()] })
 */
export function handleSignals(troupe: Troupe, options: SignalOptions = {}): () => void {
  checkSignalOptions(options)
  if (!isInstance(troupe, Troupe)) throw invalidInput('The argument of handleSignals', 'it is not a troupe')
  const { observability, work } = troupe[partsOf]
  const off = watchSignals(troupe, observability.log, options)
  work.cleanups.add(off)
  return () => {
    off()
    work.cleanups.delete(off)
  }
}
