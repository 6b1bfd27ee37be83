/** Processes one row of a run's inbox: it becomes an input, the outcome of a command, or a timer that is set again. */
import type { TimeSlice } from '../../../../core/index.ts'
import type { Statement } from '../../../../storage/index.ts'
import { applyCommand } from '../../commands/apply-command.ts'
import { inputOf, type RunMessage } from '../../commands/run-message.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import type { RowTarget } from '../rows-for-commands.ts'
import type { RunGaps } from '../run-gaps.ts'
import type { InputBatch } from './input-batch.ts'

/** @returns the statements for the change that accepts the row */
export async function applyRow(
  parts: Pick<OrchestraParts, 'journal' | 'stores' | 'reporting' | 'agents'>,
  { gaps, journal, ...target }: RowTarget & { readonly gaps: RunGaps },
  { inputs, slice, at }: { readonly inputs: InputBatch; readonly slice: TimeSlice; readonly at: number },
  message: RunMessage,
): Promise<readonly Statement[]> {
  const later = message.type === 'timer' ? gaps.expiresLater(message, target.state, at) : undefined
  if (message.type === 'timer' && later !== undefined)
    return parts.journal.timers.set(target.user, journal, message.name, later, { ...message }).statements
  if (message.type !== 'command') {
    await inputs.add(inputOf(message, at), slice)
    return []
  }
  const { rejected, statements } = applyCommand(parts, target, message)
  if (!rejected) await inputs.add(inputOf(message, at), slice)
  return statements
}
