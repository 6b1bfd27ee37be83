/**
 * Gaps in a run's time: as long as no process carried the run, or this process was suspended with it. They are recorded
 * before all that happened after them, so that clocks of work leave them out. People get time to answer after a gap.
 */
import { answerTimeMs } from '../../../journal/index.ts'
import { idOf, isWallClockTimer } from '../../machine/clocks/run-time.ts'
import type { Input } from '../../machine/machine-events.ts'
import type { RunMessage } from '../commands/run-message.ts'

/** What the process that took a run over knows of it. */
export interface ClaimedRun {
  /** When the process started, ms since 1970. */
  readonly processStartedAt: number
  /** That had been asked before it started. */
  readonly questions: ReadonlySet<string>
}

export class RunGaps {
  readonly #suspendedMs: () => number
  readonly #claimed: ClaimedRun | undefined
  #knownMs: number
  #isClaimRecorded: boolean

  /**
   * @param suspendedMs returns for how many ms in all this process has been suspended
   * @param claimed absent for a run that this process began
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
