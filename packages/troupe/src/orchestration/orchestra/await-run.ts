/** Waits for a run, whichever process carries it on: until it is over, or nothing in it can move. */
import { failure, type Json, type UserId } from '../../core/index.ts'
import type { Patience } from './command-options.ts'
import type { RunHost } from './run-host.ts'
import type { RunRow } from './run-store.ts'
import { stillBelow } from './runs-below.ts'

/** @param find undefined while it is to be waited on */
async function until<T>(
  host: RunHost,
  user: UserId,
  run: string,
  signal: AbortSignal | undefined,
  find: (row: RunRow, looks: number) => Promise<T | undefined>,
): Promise<T> {
  for (let looks = 1; ; looks++) {
    const change = host.nextEvents(user, run, signal)
    try {
      const found = await find(await host.row(user, run), looks)
      if (found !== undefined) return found
      await change.promise
      if (signal?.aborted) throw failure('cancelled', { what: `Waiting for run ${run}` }, { cause: signal.reason })
    } finally {
      change.stop()
    }
  }
}

/** The result, once the run is over or nothing in it can move. */
export function still(host: RunHost, user: UserId, run: string, signal?: AbortSignal): Promise<Json> {
  const patience: Patience = {}
  return until(host, user, run, signal, async (row, looks) => {
    if (row.endedAt !== null && row.result !== null) return JSON.parse(row.result) as Json
    if (row.result === null || row.outside > 0) await host.carriedOn(user, run, patience)
    // What is uncertain, or no longer fits its code, may have become clear: by the code that is here.
    else if (looks === 1 && (row.reason === 'uncertain' || row.reason === 'code.changed')) await host.takeUp(user, run)
    return stillBelow(host, user, row)
  })
}

/** Resolves when the run is over. */
export async function ended(host: RunHost, user: UserId, run: string, signal?: AbortSignal): Promise<void> {
  const patience: Patience = {}
  await until(host, user, run, signal, async (row) => {
    if (row.endedAt !== null) return true
    await host.carriedOn(user, run, patience)
    return undefined
  })
}
