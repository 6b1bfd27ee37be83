/** Waits for the end of a run without taking it over. */
import type { UserId } from '../../core/index.ts'
import type { RunHost } from './run-host.ts'

/** Resolves when the run has ended, the signal is aborted or the host is closed. */
export async function untilRunEnds(host: RunHost, user: UserId, run: string, signal?: AbortSignal): Promise<void> {
  while (!signal?.aborted && !host.isClosed) {
    const change = host.nextEvents(user, run, signal, true)
    try {
      if ((await host.row(user, run)).endedAt !== null) return
      await change.promise
    } finally {
      change.stop()
    }
  }
}
