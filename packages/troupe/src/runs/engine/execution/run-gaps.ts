/**
 * Gaps in a run's time: periods in which no process owned the run, or this process was suspended with it. A gap is recorded
 * before all later events, so that clocks of work exclude it. After a gap, people get time to answer.
 */
import { answerTimeMs } from '../../../journal/index.ts'
import { idOf, isWallClockTimer } from '../../machine/clocks/run-time.ts'
import type { Input } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { RunMessageOf } from '../commands/run-message.ts'
import type { RunHostPorts } from '../orchestra-parts.ts'

export class RunGaps {
  readonly #host: Pick<RunHostPorts, 'suspendedMs' | 'lastReturn'>
  #knownMs: number
  #isClaimRecorded: boolean

  /** @param isClaimed false for a run that this process started */
  constructor(host: Pick<RunHostPorts, 'suspendedMs' | 'lastReturn'>, isClaimed: boolean) {
    this.#host = host
    this.#knownMs = host.suspendedMs()
    this.#isClaimRecorded = !isClaimed
  }

  /** Returns the input that records a new gap. */
  next(at: number): Input | undefined {
    this.#host.lastReturn.update()
    const suspendedMs = this.#host.suspendedMs()
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
   * started, or before its machine was suspended, does not expire before the process has been back for a minute.
   */
  expiresLater({ name }: RunMessageOf<'timer'>, state: Readonly<State>, at: number): number | undefined {
    const question = isWallClockTimer(name) ? viewOf(state).question(idOf(name)) : undefined
    const backAt = this.#host.lastReturn.update()
    if (!question || question.askedAt >= backAt) return undefined
    const from = backAt + answerTimeMs
    return at < from ? from : undefined
  }
}
