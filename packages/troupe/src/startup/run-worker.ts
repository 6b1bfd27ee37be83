/** A running worker of a troupe, which is stopped with the troupe and keeps the process alive. */
import { buildStepContext } from '../agents/index.ts'
import { systemClock } from '../core/index.ts'
import { type HaltableWorker, startWorker, type Worker, type WorkerWatch } from '../messaging/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { unlessAborted } from '../resilience/index.ts'
import { Access } from '../security/index.ts'

const what = 'Starting a worker'

interface RunWorkerOptions {
  readonly watch?: WorkerWatch
  /** Cancels the start. A worker whose `onStart` does not end is stopped once it is up. */
  readonly signal?: AbortSignal
}

/** @throws the error of `onStart`; CancelledError if the troupe closes meanwhile or the signal aborts */
export async function runWorker(
  parts: TroupeParts,
  user: string,
  worker: Worker,
  options: RunWorkerOptions = {},
): Promise<HaltableWorker> {
  const starting = start(parts, user, worker, options)
  parts.starting.add(starting)
  const over = () => void parts.starting.delete(starting)
  void starting.then(over, over)
  return unlessAborted({ clock: parts.clock, what, signal: options.signal }, () => starting)
}

async function start(
  parts: TroupeParts,
  user: string,
  worker: Worker,
  { watch, signal }: RunWorkerOptions,
): Promise<HaltableWorker> {
  const { mailboxes, presence, steps, inbox, clock, random, clients, workers, cleanups, guard, services, roles } = parts
  const running = await startWorker(worker, {
    user,
    mailboxes,
    presence,
    steps,
    inbox,
    clock,
    random,
    access: new Access(worker.options?.access, roles),
    contextOf: (recorder, access, previous) =>
      buildStepContext({
        agent: worker.name,
        ...{ recorder, clock, random, guard, previous, vouches: true },
        recording: services.recording,
        clients: clients(recorder, access),
      }),
    ...(watch === undefined ? {} : { watch }),
  })
  workers.set(running, user)
  // On a file nothing else keeps the process alive: it lives as long as it has a worker.
  const leave = clock === systemClock ? clock.after(Number.MAX_SAFE_INTEGER, () => {}) : () => {}
  cleanups.push(leave)
  const over = () => {
    workers.delete(running)
    leave()
    cleanups.splice(cleanups.indexOf(leave) >>> 0, 1)
  }
  const stop = async () => {
    try {
      await running.stop()
    } finally {
      over()
    }
  }
  const halt = async () => {
    await running.halt()
    over()
  }
  try {
    parts.gate.checkStart(what)
    signal?.throwIfAborted()
  } catch (error) {
    await stop()
    throw error
  }
  const { detail, types } = running
  return { detail, types, stop, halt, [Symbol.asyncDispose]: stop }
}
