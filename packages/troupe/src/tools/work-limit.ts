/** Limits the work time of a durable tool. Its clock is stopped while it waits for a person, a reply or a run. */
import { type Clock, duration, failure, WorkTimer, whenAborted } from '../core/index.ts'
import type { EffectFunction, Recorder } from '../journal/index.ts'
import { withTimeLimit } from '../resilience/index.ts'

export interface WorkLimit {
  readonly clock: Clock
  /** The longest work time in ms, without waits; undefined for no limit. */
  readonly limitMs: number | undefined
  /** The subject of the error message. */
  readonly what: string
}

/**
 * Executes a durable body with a limit. After a crash, the next execution has the complete time again.
 * @param run gets a recorder whose waits stop the clock, and a signal that aborts at the limit and with the step
 * @throws TimeoutError `timeout`
 */
export function withWorkLimit<Out>(
  { clock, limitMs, what }: WorkLimit,
  recorder: Recorder,
  run: (recorder: Recorder, signal: AbortSignal) => Promise<Out>,
): Promise<Out> {
  if (limitMs === undefined) return run(recorder, recorder.signal)
  const controller = new AbortController()
  return new Promise<Out>((resolve, reject) => {
    let waits = 0
    const startTimer = (ms: number) =>
      new WorkTimer(clock, ms, () => {
        const error = failure('timeout', { what, kind: 'tool', limit: duration(limitMs) })
        controller.abort(error)
        reject(error)
      })
    let timer = startTimer(limitMs)
    const waiting = async <Answer>(wait: () => Promise<Answer>): Promise<Answer> => {
      if (waits++ === 0) timer.stop()
      try {
        return await wait()
      } finally {
        if (--waits === 0 && !controller.signal.aborted) timer = startTimer(timer.leftMs)
      }
    }
    // A turn waits for the effects that were begun: one that hangs must end with the body.
    const bounded = <In>(fn: EffectFunction<In>): EffectFunction<In> => {
      return (call) =>
        withTimeLimit({ clock, limitMs: timer.leftMs, kind: 'tool', what, signal: call.signal }, (signal) =>
          fn({ ...call, signal }),
        )
    }
    const stopWatching = whenAborted(recorder.signal, () => {
      timer.stop()
      controller.abort(recorder.signal.reason)
    })
    Promise.resolve()
      .then(() => run(limited(recorder, waiting, bounded), controller.signal))
      .then(resolve, reject)
      .finally(() => {
        // No wait that it left behind may set the clock going again.
        waits = Number.POSITIVE_INFINITY
        timer.stop()
        stopWatching()
      })
  })
}

/** The same recorder, but for its waits, which stop the clock, and its effects, which end with it. */
function limited(
  recorder: Recorder,
  waiting: <Out>(wait: () => Promise<Out>) => Promise<Out>,
  bounded: <Out>(fn: EffectFunction<Out>) => EffectFunction<Out>,
): Recorder {
  const own: Partial<Recorder> = {
    wait: (wait) => waiting(() => recorder.wait(wait)),
    effect: (name, spec, fn) => recorder.effect(name, spec, bounded(fn)),
  }
  return new Proxy(recorder, {
    get(target, field) {
      if (Object.hasOwn(own, field)) return own[field as keyof Recorder]
      const value: unknown = Reflect.get(target, field, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
