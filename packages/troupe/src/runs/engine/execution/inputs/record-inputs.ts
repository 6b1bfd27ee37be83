/** Returns the statements that record inputs with their events, and a snapshot if one is due. */
import { type TimeSlice, TroupeError } from '../../../../core/index.ts'
import { EncodedBody, type JournalWriter } from '../../../../journal/index.ts'
import type { Statement } from '../../../../storage/index.ts'
import { stateTexts } from '../../../machine/save-state.ts'
import type { State } from '../../../machine/state.ts'
import { encodeRecordInParts } from '../../store/run-record.ts'
import type { InputBatch } from './input-batch.ts'

export async function recordInputs(
  writer: JournalWriter,
  state: Readonly<State>,
  { records, lastSeq }: InputBatch,
  { at, slice, closes }: { readonly at: number; readonly slice: TimeSlice; readonly closes: boolean },
): Promise<readonly Statement[]> {
  const bodies: EncodedBody[] = []
  for (const record of records) {
    bodies.push(await slice.finish(encodeRecordInParts(record), 1))
  }
  const { statements } = writer.append(at, bodies, { closes })
  if (!writer.snapshotDue()) return statements
  return [...statements, ...(await runSnapshot(writer, state, { lastSeq, lastAt: at }, slice))]
}

/** Returns none if the state is larger than a value may be: the next owner then folds the events. */
async function runSnapshot(
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
