/** A worker at work in a troupe: known to whoever ends it, and keeping the process. */
import { systemClock } from '../core/index.ts'
import { type HaltableWorker, startWorker, type Worker, type WorkerWatch } from '../messaging/index.ts'
import { Access } from '../security/index.ts'
import type { TroupeParts } from './parts.ts'

export async function runWorker(
  parts: TroupeParts,
  user: string,
  worker: Worker,
  watch?: WorkerWatch,
): Promise<HaltableWorker> {
  const { mailboxes, presence, steps, inbox, clock, random, hands, workers, letGoOf, guard, roles } = parts
  const running = await startWorker(worker, {
    user,
    mailboxes,
    presence,
    steps,
    inbox,
    clock,
    random,
    guard,
    access: new Access(worker.options?.access, roles),
    contextOf: (recorder, access) => hands(recorder, access).context,
    ...(watch === undefined ? {} : { watch }),
  })
  workers.set(running, user)
  // On a file nothing else keeps the process: it lives as long as it has a worker.
  const leave = clock === systemClock ? clock.after(Number.MAX_SAFE_INTEGER, () => {}) : () => {}
  letGoOf.push(leave)
  const over = () => {
    workers.delete(running)
    leave()
    letGoOf.splice(letGoOf.indexOf(leave) >>> 0, 1)
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
  const { detail, types } = running
  return { detail, types, stop, halt, [Symbol.asyncDispose]: stop }
}
