/** Cancels the child runs of a step or of a run, and waits for their end. */
import { TroupeError, type UserId, WorkTimer } from '../../../core/index.ts'
import { stepJournal } from '../../../journal/index.ts'
import { defaultGraceMs } from '../../machine/clocks/update-clocks.ts'
import type { ChildRuns } from '../orchestra-parts.ts'
import type { RunHost } from '../run-host.ts'

const isOver = (error: unknown): boolean => error instanceof TroupeError && error.code === 'run.over'

export function childCancellation(host: RunHost): Pick<ChildRuns, 'cancel' | 'cancelOf' | 'cancelAll'> {
  const cancel: ChildRuns['cancel'] = async (user, run) => {
    if ((await host.row(user, run)).endedAt !== null) return
    await host.submit(user, run, { type: 'cancel', by: 'parent' }).catch((error: unknown) => {
      if (!isOver(error)) throw error
    })
    await host.awaitEnd(user, run)
  }
  const cancelChildren = async (user: UserId, of: string, journal?: string) => {
    const open = await host.parts.stores.store.children(user, of)
    const meant = journal === undefined ? open : open.filter(({ parent }) => parent?.step === journal)
    await Promise.all(
      meant.map(({ run }) =>
        cancel(user, run).catch((error: unknown) =>
          host.parts.reporting.log.warn('a child run of a cancelled step could not be cancelled', {
            run,
            error: error as Error,
          }),
        ),
      ),
    )
  }
  return {
    cancel,
    cancelOf: (user, run, step) => cancelChildren(user, run, stepJournal(run, step)),
    cancelAll: async (user, of, graceMs = defaultGraceMs) => {
      const late = Promise.withResolvers<void>()
      const timer = new WorkTimer(host.parts.platform.clock, 2 * graceMs, late.resolve)
      try {
        await Promise.race([cancelChildren(user, of), late.promise])
      } finally {
        timer.stop()
      }
    },
  }
}
