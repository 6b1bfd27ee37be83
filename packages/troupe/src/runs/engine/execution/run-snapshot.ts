/** The statements that store a snapshot of a run's state. */
import { type Json, TroupeError } from '../../../core/index.ts'
import type { JournalWriter } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { saveState } from '../../machine/save-state.ts'
import type { State } from '../../machine/state.ts'

/** Returns none if the state is larger than a value may be: the next owner then folds the events. */
export function runSnapshot(
  writer: JournalWriter,
  state: Readonly<State>,
  lastSeq: number,
  lastAt: number,
): readonly Statement[] {
  try {
    return writer.snapshot({ state: saveState(state), lastSeq, lastAt } as Json).statements
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'value.too_large') return []
    throw error
  }
}
