/** What becomes of one row of a run's inbox: an input of the core, an outcome of a command, or a timer set again. */
import type { Statement } from '../../../storage/index.ts'
import { applyCommand } from '../commands/apply-command.ts'
import { inputOf, type RunMessage } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { InputBatch } from './input-batch.ts'
import type { RowTarget } from './rows-for-commands.ts'
import type { RunGaps } from './run-gaps.ts'

/** @returns statements for the change that takes the row in */
export function applyRow(
  parts: Pick<OrchestraParts, 'timers' | 'commands' | 'audit' | 'services'>,
  { gaps, journal, ...target }: RowTarget & { readonly gaps: RunGaps },
  inputBatch: InputBatch,
  message: RunMessage,
  at: number,
): readonly Statement[] {
  const later = message.type === 'timer' ? gaps.expiresLater(message, at) : undefined
  if (message.type === 'timer' && later !== undefined)
    return parts.timers.set(target.user, journal, message.name, later, { ...message }).statements
  if (message.type !== 'command') {
    inputBatch.add(inputOf(message, at))
    return []
  }
  const { rejected, statements } = applyCommand(parts, target, message)
  if (!rejected) inputBatch.add(inputOf(message, at))
  return statements
}
