/** Returns the statements that record inputs with their events, and a snapshot if one is due. */
import type { TimeSlice } from '../../../../core/index.ts'
import type { EncodedBody, JournalWriter } from '../../../../journal/index.ts'
import type { Statement } from '../../../../storage/index.ts'
import type { State } from '../../../machine/state.ts'
import { encodeRecordInParts } from '../../store/run-record.ts'
import { runSnapshot } from '../run-snapshot.ts'
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
