/** Folds of events about timers and gaps. */
import type { Folds } from '../folds.ts'
import { runTimeOf } from './run-time.ts'

export const clockFolds = {
  'timer.set': (state, { name, due }) => {
    state.clocks.timers.set(name, { due: runTimeOf(state, name, due), remainingMs: undefined })
  },
  'timer.cleared': ({ clocks, run }, { name, remainingMs }) => {
    if (remainingMs !== undefined) {
      clocks.timers.set(name, { due: undefined, remainingMs })
      return
    }
    clocks.timers.delete(name)
    if (name === run.retryTimer) run.retryTimer = undefined
  },
  'run.claimed': ({ clocks }, { gap }) => {
    clocks.gaps += gap
  },
  'clock.jumped': ({ clocks }, { gap }) => {
    clocks.gaps += gap
  },
} satisfies Partial<Folds>
