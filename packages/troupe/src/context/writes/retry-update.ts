/**
 * Attempts of an update. A first attempt that meets a conflict queues per key and process, so that many writers of one
 * process cost one attempt each; conflicts with other processes are retried after a jittered pause until the signal
 * aborts or the time is over.
 */
import { checkSignal, failure, sleep, TroupeError } from '../../core/index.ts'
import { backoffDelay, unlessAborted } from '../../resilience/index.ts'
import type { MeshServices } from '../mesh-services.ts'

/**
 * The maximal number of attempts in whose function the same key was updated, and of attempts in a step: those conflicts
 * do not pass with time.
 */
const maxAttempts = 100
/** Conflicts of one process end in a few attempts without a pause. */
const unpaused = 5
const pause = { baseMs: 1, maxMs: 20 } as const
const maxTimeMs = 30_000

interface UpdateTerms {
  readonly user: string
  readonly key: string
  readonly signal?: AbortSignal | undefined
}

/** @throws ConflictError `context.contention`, CancelledError */
export async function retryUpdate<T>(
  mesh: MeshServices,
  { user, key, signal }: UpdateTerms,
  attempt: (isRetry: boolean) => Promise<T>,
): Promise<T> {
  const { clock, random } = mesh.core
  const updateKey = JSON.stringify([user, key])
  const first = mesh.updates.busy(updateKey) ? undefined : await unlessConflict(() => attempt(false))
  if (first) return first.done
  const inTurn = async (wasNested: () => boolean) => {
    const endsAt = clock.monotonic() + maxTimeMs
    let nested = 0
    for (let attempts = 1; ; attempts++) {
      const made = await unlessConflict(() => attempt(true))
      if (made) return made.done
      const isOwn = wasNested()
      if (isOwn) nested++
      if (nested >= maxAttempts || clock.monotonic() >= endsAt) throw failure('context.contention', { key, attempts })
      if (!isOwn && attempts > unpaused) await sleep(clock, backoffDelay(pause, attempts - unpaused, random), signal)
    }
  }
  const waitForTurn = (turn: Promise<void>) =>
    signal ? unlessAborted({ clock, what: 'The update', signal }, () => turn) : turn
  return mesh.updates.run(updateKey, inTurn, waitForTurn)
}

/** In a step, a conflict is between two answers of the record: nothing is committed, and time has no influence. */
export async function retryInStep<T>({ key, signal }: UpdateTerms, attempt: (isRetry: boolean) => Promise<T>) {
  for (let i = 0; i < maxAttempts; i++) {
    checkSignal('The call', signal)
    const made = await unlessConflict(() => attempt(i > 0))
    if (made) return made.done
  }
  throw failure('context.contention', { key, attempts: maxAttempts })
}

async function unlessConflict<T>(attempt: () => Promise<T>): Promise<{ readonly done: T } | undefined> {
  try {
    return { done: await attempt() }
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'context.conflict') return undefined
    throw error
  }
}
