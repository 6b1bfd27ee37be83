/** Cancels the child runs of a step or of a run, and waits for their end. */
import { TroupeError, type UserId, WorkTimer } from '../../../core/index.ts'
import { defaultGraceMs } from '../../machine/clocks/update-clocks.ts'
import type { ChildRuns } from '../orchestra-parts.ts'
import type { RunHost } from '../run-host.ts'

export const isOver = (error: unknown): boolean => error instanceof TroupeError && error.code === 'run.over'

type ChildRow = Awaited<ReturnType<RunHost['parts']['stores']['store']['children']>>[number]

export function childCancellation(host: RunHost): Pick<ChildRuns, 'cancel' | 'cancelOf' | 'cancelAll'> {
  const cancel: ChildRuns['cancel'] = async (user, run) => {
    if ((await host.row(user, run)).endedAt !== null) return
    await host.submit(user, run, { type: 'cancel', by: 'parent' }).catch((error: unknown) => {
      if (!isOver(error)) throw error
    })
    await host.awaitEnd(user, run)
  }
  const cancelWhere = async (user: UserId, isMeant: (child: ChildRow) => boolean) => {
    const open = (await host.parts.stores.store.children(user)).filter(isMeant)
    await Promise.all(
      open.map(({ run }) =>
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
    cancelOf: (user, journal) => cancelWhere(user, ({ parent }) => parent.step === journal),
    cancelAll: async (user, of, graceMs = defaultGraceMs) => {
      const late = Promise.withResolvers<void>()
      const timer = new WorkTimer(host.parts.platform.clock, 2 * graceMs, late.resolve)
      try {
        await Promise.race([cancelWhere(user, ({ parent }) => parent.run === of), late.promise])
      } finally {
        timer.stop()
      }
    },
  }
}
