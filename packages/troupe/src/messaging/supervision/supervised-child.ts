/** A child of a supervisor: a worker that is created for each start, or another supervisor. */
import { checkOptions, duration, failure, invalidInput, type TroupeError, whenAborted } from '../../core/index.ts'
import type { HaltableWorker, WorkerWatch } from '../workers/running-worker.ts'
import { Worker } from '../workers/worker.ts'
import {
  type SuperviseChild,
  type SuperviseOptions,
  type SuperviseSettings,
  superviseOptionNames,
} from './supervise-options.ts'
import type { Child, StartableSupervision, SuperviseParts } from './supervision.ts'

export interface ChildParts extends SuperviseParts {
  /** The options of its supervisor. */
  readonly settings: SuperviseSettings
  /** Aborts when its supervisor ends. */
  readonly over: AbortSignal
  readonly supervise: (children: readonly SuperviseChild[], options: SuperviseOptions) => StartableSupervision
}

/** @throws ValidationError for a value that creates no worker */
export function supervisedChild(child: SuperviseChild, parts: ChildParts): Child {
  if (typeof child === 'function') return workerChild(child, parts)
  checkOptions('A supervised group', child, ['children', ...superviseOptionNames])
  const { children, ...options } = child
  // Created at once too, so that misspelled options are rejected before a worker starts.
  let supervisor = parts.supervise(children, options)
  let used = false
  return {
    name: supervisor.name,
    async begin(failed) {
      if (used) supervisor = parts.supervise(children, options)
      used = true
      const begun = supervisor
      const stopWatching = whenAborted(parts.over, () => void begun.stop())
      try {
        await begun.start()
      } finally {
        stopWatching()
      }
      void begun.ended.then((end) => 'error' in end && failed(end.error))
      return { stop: () => begun.stop(), halt: () => begun.stop() }
    },
    children: () => supervisor.children(),
  }
}

function workerChild(make: () => Worker, parts: ChildParts): Child {
  const { settings } = parts
  const made = () => {
    const worker = make()
    if (worker instanceof Worker) return worker
    // The rejection of an asynchronous function is ignored with its promise.
    if ((worker as unknown) instanceof Promise) (worker as unknown as Promise<unknown>).catch(() => {})
    throw invalidInput('The result of a supervised function', 'it is not a Worker')
  }
  // Created before any start, so that a function that creates no worker is rejected at once; the first start uses it.
  let next: Worker | undefined = made()
  const { name } = next
  return {
    name,
    async begin(failed) {
      const worker = next ?? made()
      next = undefined
      let stopping = false
      let hangs = false
      let begun: HaltableWorker | undefined
      const hung = (what: string, ms: number) => {
        hangs = true
        // A caller that waits for its graceful end would wait forever.
        if (stopping) void begun?.halt()
        failed(hangsFor(name, what, ms))
      }
      const watch: WorkerWatch = {
        hangMs: settings.hangMs,
        hung: (message) => hung(`handling ${message.type}`, settings.hangMs ?? 0),
        failures: settings.failures,
        failing: (count, error) => failed(failure('worker.failing', { worker: name, count }, { cause: error })),
      }
      const running = await inTime(parts, settings.hangMs, name, parts.start(worker, watch))
      begun = running
      return {
        stop: () => {
          stopping = true
          return hangs ? running.halt() : running.stop()
        },
        halt: () => running.halt(),
      }
    },
  }
}

const hangsFor = (worker: string, what: string, ms: number): TroupeError =>
  failure('worker.hung', { worker, what, limit: duration(ms) })

/** A start that takes too long has failed. If it succeeds later, its worker is stopped. */
async function inTime(
  { clock }: SuperviseParts,
  limitMs: number | undefined,
  name: string,
  starting: Promise<HaltableWorker>,
): Promise<HaltableWorker> {
  if (limitMs === undefined) return starting
  const late = Promise.withResolvers<never>()
  let isLate = false
  const cancel = clock.after(limitMs, () => {
    isLate = true
    late.reject(hangsFor(name, 'starting', limitMs))
  })
  starting.then(
    (running) => (isLate ? void running.halt() : undefined),
    () => {},
  )
  try {
    return await Promise.race([starting, late.promise])
  } finally {
    cancel()
  }
}
