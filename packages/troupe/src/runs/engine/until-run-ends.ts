/** Waits for the end of a run without taking it over. */
import type { UserId } from '../../core/index.ts'
import { isOfStorage } from './ownership/ensure-owned.ts'
import type { RunHost } from './run-host.ts'

/**
 * Resolves when the run has ended, the signal is aborted or the host is closed. After an error of the storage the next
 * change of the run is awaited.
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
