/** Rows that follow from events, in the same change and in their order: a timer may be cleared and set again in one go. */
import { taintField, type UserId } from '../../../core/index.ts'
import type { JournalId } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { Command } from '../../machine/machine-events.ts'
import { runMessageJson } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { stepJournal } from '../store/run-journals.ts'
import type { EventCommands } from './input-batch.ts'

interface At {
  readonly user: UserId
  readonly run: string
  /** Of the run. */
  readonly journal: JournalId
}

export const rowsForCommands = (
  parts: OrchestraParts,
  at: At,
  eventCommands: readonly EventCommands[],
): readonly Statement[] =>
  eventCommands.flatMap(({ event, commands }) => [
    ...(event.type === 'timer.cleared' ? parts.timers.clear(at.user, at.journal, event.name).statements : []),
    ...commands.flatMap((command) => rowsOf(parts, at, command)),
  ])

export function rowsOf({ journals, steps, timers }: OrchestraParts, at: At, command: Command): readonly Statement[] {
  switch (command.type) {
    case 'timer.set': {
      const body = runMessageJson({ type: 'timer', name: command.name })
      return timers.set(at.user, at.journal, command.name, command.due, body).statements
    }
    case 'answer.deliver': {
      const answer = { ...command.answer, ...taintField(command.taint) }
      return steps.answer(at.user, stepJournal(at.run, command.step), command.wait, answer).statements
    }
    case 'step.cancel':
      return journals.fence(at.user, [stepJournal(at.run, command.step)]).statements
    case 'step.execute':
      return []
  }
}
