/** Sees to it that somebody carries a run on: this process, where nobody else does. */
import { TroupeError, type UserId } from '../../core/index.ts'
import type { Patience } from './command-options.ts'
import type { RunHost } from './run-host.ts'

/** So long another process may take to find a run that this one can't carry on. */
const patienceMs = 3_000
/** Another process has the run, or ended it just now. */
const passing = new Set(['run.elsewhere', 'run.over', 'journal.lost'])
/** Another process may be able to. */
const unable = new Set(['run.agents_missing', 'journal.newer'])

const codeOf = (error: unknown): string => (error instanceof TroupeError ? error.code : '')

/** Whether what was asked of it happened may not be known. */
export const isOfStorage = (error: unknown): boolean => codeOf(error).startsWith('storage.')

/** Its last owner wrote while it was taken over, or the storage failed. */
export const isLostOnTheWay = (error: unknown): boolean => codeOf(error) === 'journal.lost' || isOfStorage(error)

export const isPassing = (error: unknown): boolean => passing.has(codeOf(error))

/**
 * @param patience kept from one look to the next
 * @throws ConflictError `run.agents_missing`, `journal.newer` where nobody has come who can
 */
export async function carriedOn(host: RunHost, user: UserId, run: string, patience: Patience): Promise<void> {
  const now = host.parts.clock.monotonic()
  if (patience.elsewhere !== undefined && now - patience.elsewhere < patienceMs) return
  delete patience.elsewhere
  try {
    await host.own(user, run)
  } catch (error) {
    if (isPassing(error)) {
      delete patience.unable
      if (codeOf(error) === 'run.elsewhere') patience.elsewhere = now
    } else if (host.parts.storage.notes && unable.has(codeOf(error))) patience.unable ??= now
    else throw error
    if (patience.unable !== undefined && now - patience.unable >= patienceMs) throw error
  }
}
