/** The row of a run for lists and results, and the statements of its end, in the change that causes them. */

import { isLongValue, longPart, type UserId, type WorkInParts } from '../../../core/index.ts'
import type { JournalId } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { totalUsage, usageByModel } from '../../machine/budgets/total-usage.ts'
import type { RunReason } from '../../machine/result.ts'
import { deriveStatus, runAccountOf } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { leaveBudgets } from '../budgets/join-budgets.ts'
import { answerParent } from '../children/answer-parent.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { accountTextInParts } from '../store/account-text.ts'
import { spentOf } from '../store/run-store.ts'
import { storedUsage, usageWriteIntervalMs } from '../store/usage/run-usage.ts'

const noUsage = storedUsage({})

/** Returns the values of the row of a run that change while it is open. */
function savedOf(state: State): string {
  const { status, over } = deriveStatus(state)
  return JSON.stringify([status, reasonOf(state), over, outsideOf(state), status === 'waiting' && shownOf(state)])
}

/**
 * Returns what changes in the result of a run that still waits: waiting steps use more, and people answer and edit. Edits
 * change a stopped run only, so that its result is stored after each of its few events.
 */
function shownOf(state: State): readonly unknown[] {
  const view = viewOf(state)
  return [totalUsage(state), view.isPaused ? view.seq : Array.from(view.questions(), ({ id }) => id)]
}

/** Returns why the run waits, or `question` if a branch of a run in progress waits for an answer. */
function reasonOf(state: State): RunReason | null {
  const { status, reason = null } = deriveStatus(state)
  return status === 'running' && viewOf(state).isAsking ? 'question' : reason
}

const outsideOf = (state: State): number => (deriveStatus(state).status === 'waiting' ? viewOf(state).externalSteps : 0)

interface OwnedRun {
  readonly user: UserId
  readonly run: string
  readonly state: State
  readonly journal: JournalId
}

export class RunStatusRows {
  readonly #parts: OrchestraParts
  /** The values that were saved last. */
  #saved = ''
  /** The stored usage, and when it was stored. */
  #usage = noUsage
  #usageAt = 0
  /** The usage was stored while the run is in progress, since the last call of `hasStoredUsage`. */
  #isUsageStored = false

  constructor(parts: OrchestraParts) {
    this.#parts = parts
  }

  /** The run starts with the values of its state. */
  begun(state: State): void {
    this.#saved = savedOf(state)
  }

  /**
   * Returns no rows if the saved values have not changed. In parts, because the row has the result of the run.
   * @param isClosed whether the change appends a record that closes the journal of a run that is over
   */
  *rows({ user, run, state, journal }: OwnedRun, at: number, isClosed = false): WorkInParts<readonly Statement[]> {
    const { status, over } = deriveStatus(state)
    const outside = outsideOf(state)
    const saved = savedOf(state)
    const isSaved = saved === this.#saved && !over
    const usage = this.#usageRows(user, run, state, at, isSaved ? usageWriteIntervalMs : 0)
    this.#isUsageStored = status === 'running' && usage.length > 0
    if (isSaved) return usage
    this.#saved = saved
    // A run that waits for child runs is recovered too, because its code may provide theirs.
    const moving = status === 'running' || outside > 0
    const account = runAccountOf(state, at)
    const result = status === 'running' ? null : yield* accountTextInParts(account)
    const { store, sharedBudgets, threads } = this.#parts.stores
    const { journals } = this.#parts.journal
    const outcome = over ? account : undefined
    const rows = store.saveStatus(user, run, {
      status,
      reason: reasonOf(state),
      over,
      moving,
      result,
      outside,
      ...spentOf(account),
      outcome,
    })
    if (!over) return [...rows, ...usage]
    const ofThread = yield* threads.ended({ user, run, state }, account)
    if (isLongValue(result)) yield longPart
    return [
      ...rows,
      ...usage,
      ...journals.close(user, journal, { isClosed }).statements,
      ...leaveBudgets(sharedBudgets, user, run, state),
      ...ofThread,
      ...answerParent(this.#parts, { user, run, state }, account),
    ]
  }

  /** Returns whether the usage of the run in progress was stored, which no event of the run shows; once for each time. */
  hasStoredUsage(): boolean {
    const isUsageStored = this.#isUsageStored
    this.#isUsageStored = false
    return isUsageStored
  }

  /** @param afterMs the time since the usage was stored that must have passed */
  #usageRows(user: UserId, run: string, state: State, at: number, afterMs: number): readonly Statement[] {
    if (at - this.#usageAt < afterMs) return []
    const usage = storedUsage(usageByModel(state))
    if (usage === this.#usage) return []
    this.#usage = usage
    this.#usageAt = at
    return [this.#parts.stores.store.saveUsage(user, run, usage)]
  }
}
