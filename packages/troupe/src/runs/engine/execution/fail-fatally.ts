/**
 * Ends a run whose failure would repeat at each attempt (a full journal, a broken invariant). Other runs continue. The parent
 * step gets its answer, and the journal stays unchanged for an analysis.
 */

import { failure, type StoredError, storeError, TimeSlice, TroupeError, type UserId } from '../../../core/index.ts'
import { type JournalWriter, stepJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { usageByModel } from '../../machine/budgets/total-usage.ts'
import { guardIn } from '../../machine/limits/guards.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import { type RunAccount, runAccountOf } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { leaveBudgets } from '../budgets/join-budgets.ts'
import { answerParent } from '../children/answer-parent.ts'
import { notifyRelatedRuns } from '../children/notify-related-runs.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { accountTextInParts } from '../store/account-text.ts'
import { spentOf } from '../store/run-store.ts'
import { storedUsage } from '../store/usage/run-usage.ts'

export interface FatalFailure {
  readonly account: RunAccount & { readonly error: StoredError }
  readonly statements: readonly Statement[]
}

/** @param steps the executing steps, which are fenced */
export async function failFatally(
  parts: Pick<OrchestraParts, 'journal' | 'platform' | 'stores'>,
  at: {
    readonly user: UserId
    readonly run: string
    readonly pinned: Pinned
    readonly state: State
    readonly writer: JournalWriter
  },
  steps: readonly string[],
  thrown: unknown,
): Promise<FatalFailure> {
  const { journals } = parts.journal
  const { clock } = parts.platform
  const { store, threads } = parts.stores
  const { user, run, state, writer } = at
  const reason =
    thrown instanceof TroupeError
      ? thrown
      : failure('invariant.broken', { rule: `run ${run} continues` }, { cause: thrown })
  const error = storeError(reason)
  const guard = guardIn(error)
  const account = {
    ...runAccountOf(state, clock.now()),
    status: 'failed',
    success: false,
    error,
    ...(guard ? { guard } : {}),
  } as const
  const message = { type: 'cancel' } as const
  const cancelled = { id: `cancel ${viewOf(state).seq + 1}`, type: 'children.notify', message } as const
  // The run also ends if its child runs cannot be read.
  const childRows = await notifyRelatedRuns(parts, at, [cancelled]).catch(() => [])
  const statusRow = {
    status: 'failed',
    reason: null,
    over: true,
    moving: false,
    result: await new TimeSlice(clock).finish(accountTextInParts(account), 1),
    outside: 0,
    ...spentOf(account),
    outcome: account,
  }
  const statements = [
    ...store.saveStatus(user, run, statusRow),
    store.saveUsage(user, run, storedUsage(usageByModel(state))),
    ...writer.prove().statements,
    ...journals.fence(
      user,
      steps.map((step) => stepJournal(run, step)),
    ).statements,
    ...journals.close(user, writer.id).statements,
    ...leaveBudgets(parts.stores.sharedBudgets, user, run, state),
    ...threads.released(user, at.pinned),
    ...answerParent(parts, at, account),
    ...childRows,
  ]
  return { account, statements }
}

/**
 * Another process owns the run, or the storage does not write: the run is not the cause. `storage.expectation` is a command that
 * was withdrawn while the run accepted it.
 */
export const isOwnedByOther = (error: unknown): error is TroupeError =>
  error instanceof TroupeError &&
  (error.code.startsWith('storage.') || error.code === 'journal.lost' || error.code === 'troupe.closed')
