/** Ensures that a process owns a run: this process takes it over if no other owns it. */
import { TroupeError, type UserId } from '../../../core/index.ts'
import type { RetryWindow } from '../commands/command-options.ts'
import type { RunHost } from '../run-host.ts'

/** The time in ms for a process that starts, or that has just claimed the run, to be found as its owner. */
const retryWindowMs = 3_000
/**
 * The time in ms for another process to claim a run that this one cannot execute. Other processes reach a storage that
 * loses connections only after some attempts.
 */
const otherProcessWindowMs = 15_000
/** The time in ms for a step of the parent, executed by this process, to give a child run its code. */
const parentWindowMs = 15_000
/** Codes of errors that mean: another process owns the run or has just ended it. */
const passing = new Set(['run.not_owned', 'run.over', 'journal.lost'])
/** Codes of errors of this process alone; another process may be able to execute the run. */
const unable = new Set(['run.agents_missing', 'journal.newer'])

const codeOf = (error: unknown): string => (error instanceof TroupeError ? error.code : '')

/** Returns true for errors of the storage; the outcome of the request may then be unknown. */
export const isOfStorage = (error: unknown): boolean => codeOf(error).startsWith('storage.')

/** Returns true if the last owner wrote during the takeover, or the storage failed. */
export const isTakeoverInterrupted = (error: unknown): boolean => codeOf(error) === 'journal.lost' || isOfStorage(error)

/** Returns true if this process cannot execute the run; another process may be able to execute it. */
export const isUnable = (error: unknown): boolean => unable.has(codeOf(error))

export const isPassing = (error: unknown): boolean => passing.has(codeOf(error))

/**
 * @param retryWindow the findings of the earlier checks of the same call
 * @throws ConflictError `run.agents_missing`, `journal.newer` if no process can execute the run; errors of the storage
 */
export async function ensureOwned(host: RunHost, user: UserId, run: string, retryWindow: RetryWindow): Promise<void> {
  const now = host.parts.platform.clock.monotonic()
  if (retryWindow.ownedByOtherSince !== undefined && now - retryWindow.ownedByOtherSince < retryWindowMs) return
  delete retryWindow.ownedByOtherSince
  try {
    await host.own(user, run)
  } catch (error) {
    // While the storage fails, other processes cannot claim the run either.
    if (isPassing(error) || isOfStorage(error)) {
      delete retryWindow.unable
      if (isOfStorage(error)) throw error
      if (codeOf(error) === 'run.not_owned') retryWindow.ownedByOtherSince = now
    } else if (isUnable(error)) retryWindow.unable ??= { since: now, ms: await retryMsOf(host, user, run) }
    else throw error
    if (retryWindow.unable && now - retryWindow.unable.since >= retryWindow.unable.ms) throw error
  }
}

/**
 * Claims the parent of a child run: its step gives the child the code when it executes again.
 * @returns the time in ms in which the run may become owned; 0 if neither a parent nor another process may own it
 */
async function retryMsOf(host: RunHost, user: UserId, run: string): Promise<number> {
  const { store, storage } = host.parts.stores
  const row = await store.get(user, run)
  const ownsParent = row?.parent && ensureOwned(host, user, row.parent.run, {})
  const isOwned = await ownsParent?.then(
    () => true,
    () => false,
  )
  if (isOwned) return parentWindowMs
  if (!storage.broadcast) return 0
  return (await store.hasOtherProcess()) ? otherProcessWindowMs : retryWindowMs
}
