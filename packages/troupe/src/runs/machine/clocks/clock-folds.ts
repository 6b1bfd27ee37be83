/** Folds events about timers and gaps. */
import type { Folds } from '../folds.ts'
import type { ClocksSlice } from './clocks-slice.ts'
import { timeOf } from './run-time.ts'

export const clockFolds = {
  'timer.set': (state, { name, due, at }) => {
    state.clocks.timers.set(name, { due: due - at + timeOf(state, name, at), remainingMs: undefined })
  },
  'timer.cleared': ({ clocks, run }, { name, remainingMs }) => {
    if (remainingMs !== undefined) {
      clocks.timers.set(name, { due: undefined, remainingMs })
      return
    }
    clocks.timers.delete(name)
    if (name === run.retryTimer) run.retryTimer = undefined
  },
  'run.claimed': ({ clocks }, { gap }) => countGap(clocks, gap),
  'clock.jumped': ({ clocks }, { gap }) => countGap(clocks, gap),
} satisfies Partial<Folds>

/** A gap during which the clocks of work were stopped is not counted twice. */
function countGap(clocks: ClocksSlice, gap: number): void {
  clocks.gaps += gap
  if (clocks.stoppedAt !== undefined) clocks.stoppedAt += gap
}
