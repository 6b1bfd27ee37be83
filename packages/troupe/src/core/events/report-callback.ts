/** The event of every function of the application whose failure has no awaiting caller. */
import { failedWith } from '../errors/stored-error.ts'
import type { Clock } from '../time/clock.ts'
import type { EventContext, Events } from './events.ts'

interface Callback {
  readonly callback:
    | 'alert channel'
    | 'dispose of a pool'
    | 'doctor check'
    | 'evaluation'
    | 'gauge'
    | 'health check'
    | 'presence listener'
    | 'progress observer'
    | 'reconcile'
  readonly name: string
}

/** Emits `callback.failed` with what the function threw; the log writes it as one line. */
export function reportCallback(
  { events, clock }: { readonly events: Pick<Events, 'emit'>; readonly clock: Pick<Clock, 'now'> },
  about: Callback & EventContext,
  error: unknown,
): void {
  events.emit({ type: 'callback.failed', at: clock.now(), ...about, ...failedWith(error) }, () => ({ error }))
}

/** Calls a function of the application that has no awaiting caller; reports what it throws or rejects with. */
export function callReported(
  parts: Parameters<typeof reportCallback>[0],
  about: Callback & EventContext,
  call: () => unknown,
): void {
  const called = async () => {
    await call()
  }
  called().catch((error: unknown) => reportCallback(parts, about, error))
}
