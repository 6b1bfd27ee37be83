/** A running worker of a troupe, which is stopped with the troupe and keeps the process alive. */
import { buildStepContext } from '../agents/index.ts'
import { hasSystemTimers } from '../core/index.ts'
import {
  type HaltableWorker,
  startWorker,
  type Worker,
  type WorkerContextOf,
  type WorkerWatch,
} from '../messaging/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { unlessAborted } from '../resilience/index.ts'
import { Access } from '../security/index.ts'

const what = 'Starting a worker'

/** The groups that a running worker uses. */
export type WorkerPorts = Pick<TroupeParts, 'platform' | 'journal' | 'communication' | 'agents' | 'security' | 'work'>

interface RunWorkerOptions {
  readonly watch?: WorkerWatch
  /** Cancels the start. A worker whose `onStart` does not end is stopped once it is up. */
  readonly signal?: AbortSignal
}

/** @throws the error of `onStart`; CancelledError if the troupe closes meanwhile or the signal aborts */
export async function runWorker(
  parts: WorkerPorts,
  user: string,
  worker: Worker,
  options: RunWorkerOptions = {},
): Promise<HaltableWorker> {
  const starting = start(parts, user, worker, options)
  parts.work.starting.add(starting)
  const over = () => void parts.work.starting.delete(starting)
  void starting.then(over, over)
  return unlessAborted({ clock: parts.platform.clock, what, signal: options.signal }, () => starting)
}

async function start(
  parts: WorkerPorts,
  user: string,
  worker: Worker,
  { watch, signal }: RunWorkerOptions,
): Promise<HaltableWorker> {
  const { agents, security } = parts
  const { clock, random } = parts.platform
  const { mailboxes, presence, clients } = parts.communication
  const { gate, workers, cleanups } = parts.work
  const contextOf: WorkerContextOf = (recorder, access, previous) =>
    buildStepContext({
      agent: worker.name,
      ...{ recorder, clock, random, guard: security.guard, previous, vouches: true },
      recording: agents.services.external.recording,
      clients: clients(recorder, access),
    })
  const running = await startWorker(
    worker,
    { mailboxes, presence, journal: parts.journal, contextOf },
    { user, access: new Access(worker.options?.access, security.roles), ...(watch === undefined ? {} : { watch }) },
  )
  // On a file nothing else keeps the process alive: it lives as long as it has a worker.
  const leave = hasSystemTimers(clock) ? clock.after(Number.MAX_SAFE_INTEGER, () => {}) : () => {}
  cleanups.add(leave)
  const over = () => {
    workers.delete(started)
    leave()
    cleanups.delete(leave)
  }
  const stop = () => running.stop().finally(over)
  const halt = () => running.halt().finally(over)
  const { detail, types } = running
  const started = { detail, types, stop, halt, [Symbol.asyncDispose]: stop }
  workers.set(started, user)
  try {
    gate.checkStart(what)
    signal?.throwIfAborted()
  } catch (error) {
    await stop()
    throw error
  }
  return started
}
