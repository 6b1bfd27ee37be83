/** Waits for a run, whichever process carries it on: until it is over, or nothing in it can move. */
import { failure, type UserId } from '../../core/index.ts'
import type { UncertainEffect } from '../../journal/index.ts'
import type { RunAccount } from '../machine/run/run-account.ts'
import { accountWhileChildrenWait, questionsWhileChildrenWait } from './children/child-runs.ts'
import type { RetryWindow } from './commands/command-options.ts'
import { StorageWait } from './events/storage-wait.ts'
import { ensureOwned, isOfStorage } from './ownership/ensure-owned.ts'
import type { RunHost } from './run-host.ts'
import { readAccount } from './store/account-text.ts'
import type { RunRow } from './store/run-store.ts'

/** The stored result of a run. */
export interface AwaitedResult {
  readonly result: RunAccount
  /** The uncertain effects of the user at the end of the run; absent if the run has not ended. */
  readonly uncertain?: readonly UncertainEffect[]
}

/** @param find returns undefined while the run is to be waited for */
async function until<T>(
  host: RunHost,
  user: UserId,
  run: string,
  signal: AbortSignal | undefined,
  find: (attempt: number) => Promise<T | undefined>,
): Promise<T> {
  const storage = new StorageWait(host.parts.platform.clock)
  for (let attempt = 1; ; attempt++) {
    const change = host.nextEvents(user, run, signal)
    try {
      const found = host.works(user, run) ? undefined : await find(attempt)
      if (found !== undefined) return found
      storage.succeeded()
      await change.promise
    } catch (error) {
      await storage.failed(error, signal)
    } finally {
      change.stop()
    }
    if (signal?.aborted)
      throw failure('cancelled', { what: `Waiting for the run ${run}, which continues,` }, { cause: signal.reason })
  }
}

/** The result, once the run is over or nothing in it can move. */
export function awaitResult(host: RunHost, user: UserId, run: string, signal?: AbortSignal): Promise<AwaitedResult> {
  const retryWindow: RetryWindow = {}
  return until(host, user, run, signal, async (attempt) => {
    const { row, uncertain } = await host.rowWithUncertain(user, run)
    if (row.endedAt !== null && row.result !== null) {
      return { result: await readAccount(row.result, host.parts.platform.clock), uncertain }
    }
    if (row.result === null || row.outside > 0) await ensureOwned(host, user, run, retryWindow)
    // The code of this process may resolve an uncertain effect or a change of code.
    else if (attempt === 1 && (row.reason === 'uncertain' || row.reason === 'code.changed'))
      await host.claimRun(user, run)
    const result = await accountWhileChildrenWait(host, user, row)
    return result === undefined ? undefined : { result }
  })
}

/** Resolves when the run is over. */
export async function awaitEnd(host: RunHost, user: UserId, run: string, signal?: AbortSignal): Promise<void> {
  const retryWindow: RetryWindow = {}
  await until(host, user, run, signal, async (attempt) => {
    const { endedAt, result, outside } = await host.row(user, run)
    if (endedAt !== null) return true
    // A waiting run is released after a second, and what ends its wait claims it. Each claim here would lengthen its journal.
    if (attempt === 1 || result === null || outside > 0) await ensureOwned(host, user, run, retryWindow)
    return undefined
  })
}

/** Returns whether nothing in a run, or in the child runs it waits for, can move, as its row shows it. */
export const isWaiting = async (host: RunHost, user: UserId, row: RunRow): Promise<boolean> =>
  row.endedAt === null && (await questionsWhileChildrenWait(host, user, row)) !== undefined

/**
 * Resolves when the run has ended, the signal is aborted or the host is closed, and never takes the run over. After an error
 * of the storage the next change of the run is awaited.
 */
export async function untilRunEnds(host: RunHost, user: UserId, run: string, signal?: AbortSignal): Promise<void> {
  while (!signal?.aborted && !host.isClosed) {
    const change = host.nextEvents(user, run, signal, true)
    try {
      const row = await host.row(user, run).catch((error: unknown) => {
        if (isOfStorage(error)) return undefined
        throw error
      })
      if (row && row.endedAt !== null) return
      await change.promise
    } finally {
      change.stop()
    }
  }
}
