/** `handleSignals`: a process that ends as it should. */
import { failure, isInstance } from '../../core/index.ts'
import { partsOf, Troupe } from '../troupe.ts'
import { checkSignalOptions, type SignalOptions, watchSignals } from './watch-signals.ts'

/**
 * SIGTERM and SIGINT drain the troupe and end the process: with 0 where everything ended in time, else with 1. A second
 * signal ends it at once with 128 + its number. What nobody caught is logged, then drained, and ends it with 1.
 * `createTroupe({ signals: true })` does the same.
 * @returns a function that lets go of the signals; closing the troupe does, too
 * @throws ValidationError for an option that is none, or what is no troupe
 * @example
 * const server = await serve(troupe)
 * handleSignals(troupe, { timeout: '25s', closing: [() => server.close()] })
 */
export function handleSignals(troupe: Troupe, options: SignalOptions = {}): () => void {
  checkSignalOptions(options)
  if (!isInstance(troupe, Troupe))
    throw failure('validation.failed', { what: 'What handleSignals was given', problem: 'it is not a troupe' })
  const { log, cleanups } = troupe[partsOf]
  const off = watchSignals(troupe, log, options)
  cleanups.push(off)
  return off
}
