/** Takes over the open runs of the previous process, if one process alone uses the storage. */
import type { RunHost } from '../run-host.ts'

const page = 100

export async function recoverRuns(host: RunHost): Promise<void> {
  const { store } = host.parts.stores
  const { log } = host.parts.reporting
  for (let after: { user: string; run: string } | undefined; !host.isClosed; ) {
    const found = await store.moving(page, after)
    for (const { user, run } of found) {
      if (host.isClosed) return
      await host
        .own(user, run)
        .catch((error: unknown) => log.warn('this process could not claim an open run', { run, error: error as Error }))
    }
    after = found.at(-1)
    if (found.length < page) return
  }
}
