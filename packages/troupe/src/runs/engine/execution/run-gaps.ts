/**
 * Gaps in a run's time: periods in which no process owned the run, or this process was suspended with it. A gap is recorded
 * before all later events, so that clocks of work exclude it. After a gap, people get time to answer.
 */
import { answerTimeMs } from '../../../journal/index.ts'
import { idOf, isWallClockTimer } from '../../machine/clocks/run-time.ts'
import type { Input } from '../../machine/machine-events.ts'
import type { RunMessage } from '../commands/run-message.ts'

/** The facts about a run that the claiming process knows. */
export interface ClaimedRun {
  /** When the process started, ms since 1970. */
  readonly processStartedAt: number
  /** The questions that were asked before the process started. */
  readonly questions: ReadonlySet<string>
}

export class RunGaps {
  readonly #suspendedMs: () => number
  readonly #claimed: ClaimedRun | undefined
  #knownMs: number
  #isClaimRecorded: boolean

  /**
   * @param suspendedMs returns the total time in ms for which this process was suspended
   * @param claimed absent for a run that this process started
   */
  constructor(suspendedMs: () => number, claimed: ClaimedRun | undefined) {
    this.#suspendedMs = suspendedMs
    this.#knownMs = suspendedMs()
    this.#claimed = claimed
    this.#isClaimRecorded = claimed === undefined
  }

  /** Returns the input that records a new gap. */
  next(at: number): Input | undefined {
    const suspendedMs = this.#suspendedMs()
    const gap = suspendedMs - this.#knownMs
    this.#knownMs = suspendedMs
    if (this.#isClaimRecorded) return gap > 0 ? { at, type: 'clock.jumped', gap } : undefined
    this.#isClaimRecorded = true
    return { at, type: 'run.claimed' }
  }

  /** The change that would have recorded the gap was rejected: the next one records it. */
  takeBack(gap: Input): void {
    if (gap.type === 'clock.jumped') this.#knownMs -= gap.gap
    else this.#isClaimRecorded = false
  }

  /**
   * Returns when a timer of a question expires it, if that is later: a question that was asked before this process
   * started does not expire before the process has been back for a minute.
   */
  expiresLater({ name }: Extract<RunMessage, { readonly type: 'timer' }>, at: number): number | undefined {
    if (!this.#claimed || !isWallClockTimer(name) || !this.#claimed.questions.has(idOf(name))) return undefined
    const from = this.#claimed.processStartedAt + answerTimeMs
    return at < from ? from : undefined
  }
}
