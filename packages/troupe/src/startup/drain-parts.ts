/** Shuts a troupe down without losing accepted work: see `Troupe.drain`. */
import { type Clock, checkOptions, type Duration, invalidInput, listOf, milliseconds, sleep } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'

/** The options of `troupe.drain`. */
export interface DrainOptions {
  /** 25 s by default, at least 1 s. The default is below the 30 s after which Kubernetes kills a process. */
  readonly timeout?: Duration
  /** Other parts that accept work, such as a server. They are closed at the same time as the turns, before the storage. */
  readonly closing?: readonly (() => unknown)[]
}

/** The result of `troupe.drain`. */
export interface DrainResult {
  /** The number of steps and handlers in progress that ended. */
  readonly finished: number
  /** The number of steps and handlers that resume in another process or at the next opening. */
  readonly released: number
  /** The duration of the shutdown in ms. */
  readonly durationMs: number
  /** False if the timeout passed before everything had ended. Nothing is lost in this case. */
  readonly isComplete: boolean
}

/** Shares of the timeout: for turns, then for effects. The rest is left for closing. */
const [finishing, effects] = [0.5, 0.3]

/** @throws ValidationError at once for an unknown option */
export function drainParts(
  parts: TroupeParts,
  options: DrainOptions,
  close: () => Promise<void>,
): Promise<DrainResult> {
  checkOptions('drain', options, ['timeout', 'closing'])
  const { ms, closing } = readDrainOptions(options)
  return drainWithin(parts, ms, closing, close)
}

/** @throws ValidationError unless `timeout` is a duration of at least 1 s and `closing` a list of functions */
export function readDrainOptions({ timeout = '25s', closing = [] }: DrainOptions) {
  const ms = milliseconds(timeout, 'timeout', '1s')
  if (listOf('closing', closing).every((end) => typeof end === 'function')) return { ms, closing }
  throw invalidInput('closing', 'it must be a list of functions')
}

async function drainWithin(
  parts: TroupeParts,
  ms: number,
  closing: NonNullable<DrainOptions['closing']>,
  close: () => Promise<void>,
): Promise<DrainResult> {
  const { clock, events } = parts.platform
  const { log } = parts.observability
  const began = clock.monotonic()
  const failed = (error: unknown) => log.error('a component failed to shut down', { error: error as Error })
  if (parts.work.gate.state !== 'closed') {
    parts.work.gate.state = 'draining'
    events.emit({ type: 'troupe.draining', at: clock.now(), timeoutMs: ms })
  }
  let drainResult = { finished: 0, released: 0 }
  const shutDown = async () => {
    drainResult = await endWork(parts, ms, closing, failed)
    await close().catch(failed)
    return true as const
  }
  const isComplete = await within(clock, ms, shutDown())
  if (!isComplete) log.error('the shutdown exceeded its timeout; the next opening resumes the remaining work')
  return { ...drainResult, durationMs: clock.monotonic() - began, isComplete }
}

async function endWork(
  parts: Pick<TroupeParts, 'platform' | 'runs' | 'journal' | 'work' | 'maintenance'>,
  ms: number,
  closing: readonly (() => unknown)[],
  failed: (error: unknown) => void,
): Promise<Pick<DrainResult, 'finished' | 'released'>> {
  const { platform, runs, journal, work, maintenance } = parts
  const { clock } = platform
  const until = clock.monotonic() + ms * 0.9
  const contained = async (end: () => unknown) => {
    try {
      await end()
    } catch (error) {
      failed(error)
    }
  }
  // Before runs are rejected. Work that becomes due afterwards is left for the next owner.
  const scheduled = contained(() => runs.schedules.stop())
  runs.orchestra.drain()
  // Supervisors stop first, since they would restart the workers that stop.
  const working = [...work.supervisions.keys(), ...work.workers.keys()]
  const handlers = [...working.map((each) => contained(() => each.stop())), Promise.allSettled(work.starting)]
  const intake = [
    () => journal.timers.stop(),
    () => maintenance.housekeeping.close(),
    () => runs.sharing?.claims.close(),
  ].map(contained)
  const timeouts = { finishMs: ms * finishing, effectsMs: ms * effects }
  const workEnded = journal.steps.drain(timeouts)
  work.gate.workEnded = Promise.all([workEnded, ...handlers])
  const outside = closing.map(contained)
  const [drainResult] = await Promise.all([workEnded, scheduled, ...intake])
  await within(
    clock,
    until - clock.monotonic(),
    Promise.all([...handlers, ...outside]).then(() => true),
  )
  return drainResult
}

/** @returns false if `ms` passed first */
async function within(clock: Clock, ms: number, promise: Promise<true>): Promise<boolean> {
  const over = new AbortController()
  const late = sleep(clock, ms, over.signal).then(
    () => false,
    () => false,
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}
