/** Makes a process carry a run on: this one, where no other does. */
import { TroupeError, type UserId } from '../../../core/index.ts'
import type { RetryWindow } from '../commands/command-options.ts'
import type { RunHost } from '../run-host.ts'

/** So long another process may take to find a run that this one can't carry on. */
const retryWindowMs = 3_000
/** So long a caller waits for a storage that fails: the run is taken up again as soon as it works. */
const storageWindowMs = 30_000
/** Another process has the run, or ended it just now. */
const passing = new Set(['run.not_owned', 'run.over', 'journal.lost'])
/** Another process may be able to. */
const unable = new Set(['run.agents_missing', 'journal.newer'])

const codeOf = (error: unknown): string => (error instanceof TroupeError ? error.code : '')

/** Whether what was asked of it happened may not be known. */
export const isOfStorage = (error: unknown): boolean => codeOf(error).startsWith('storage.')

/** Its last owner wrote while it was taken over, or the storage failed. */
export const isTakeoverInterrupted = (error: unknown): boolean => codeOf(error) === 'journal.lost' || isOfStorage(error)

export const isPassing = (error: unknown): boolean => passing.has(codeOf(error))

/**
 * @param retryWindow kept from one look to the next
 * @throws ConflictError `run.agents_missing`, `journal.newer` where no process has come that can; an error of the storage
 * that has failed for half a minute
 */
export async function ensureOwned(host: RunHost, user: UserId, run: string, retryWindow: RetryWindow): Promise<void> {
  const now = host.parts.clock.monotonic()
  if (retryWindow.ownedByOtherSince !== undefined && now - retryWindow.ownedByOtherSince < retryWindowMs) return
  delete retryWindow.ownedByOtherSince
  try {
    await host.own(user, run)
    delete retryWindow.storageFailedSince
  } catch (error) {
    if (isOfStorage(error)) {
      retryWindow.storageFailedSince ??= now
      if (now - retryWindow.storageFailedSince >= storageWindowMs) throw error
      return
    }
    delete retryWindow.storageFailedSince
    if (isPassing(error)) {
      delete retryWindow.unable
      if (codeOf(error) === 'run.not_owned') retryWindow.ownedByOtherSince = now
    } else if (host.parts.storage.broadcast && unable.has(codeOf(error))) retryWindow.unable ??= now
    else throw error
    if (retryWindow.unable !== undefined && now - retryWindow.unable >= retryWindowMs) throw error
  }
}
