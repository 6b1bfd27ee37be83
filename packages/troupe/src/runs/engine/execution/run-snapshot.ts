/** The statements that store a snapshot of a run's state. */
import { type TimeSlice, TroupeError } from '../../../core/index.ts'
import { EncodedBody, type JournalWriter } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { stateTexts } from '../../machine/save-state.ts'
import type { State } from '../../machine/state.ts'

/** Returns none if the state is larger than a value may be: the next owner then folds the events. */
export async function runSnapshot(
  writer: JournalWriter,
  state: Readonly<State>,
  last: { readonly lastSeq: number; readonly lastAt: number },
  slice: TimeSlice,
): Promise<readonly Statement[]> {
  let text = `${JSON.stringify(last).slice(0, -1)},"state":`
  for (const part of stateTexts(state)) {
    text += part
    if (slice.isOver) await slice.renew()
  }
  try {
    return writer.writeSnapshot(new EncodedBody(`${text}}`)).statements
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'value.too_large') return []
    throw error
  }
}
