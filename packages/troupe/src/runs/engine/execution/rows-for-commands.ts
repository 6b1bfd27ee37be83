/** Rows that follow from events, in the same change and in their order: a timer may be cleared and set again in one go. */
import { taintField, type UserId } from '../../../core/index.ts'
import type { JournalId } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { isWallClockTimer, wallTimeOf } from '../../machine/limits/run-time.ts'
import type { Command } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'
import { runMessageJson } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { stepJournal } from '../store/run-journals.ts'
import type { EventCommands } from './input-batch.ts'

interface At {
  readonly user: UserId
  readonly state: Readonly<State>
  readonly run: string
  /** Of the run. */
  readonly journal: JournalId
}

export const rowsForCommands = (
  parts: OrchestraParts,
  at: At,
  eventCommands: readonly EventCommands[],
): readonly Statement[] => [
  ...shiftedTimers(parts, at, eventCommands),
  ...eventCommands.flatMap(({ event, commands }) => [
    ...(event.type === 'timer.cleared' ? parts.timers.clear(at.user, at.journal, event.name).statements : []),
    ...commands.flatMap((command) => rowsOf(parts, at, command)),
  ]),
]

/** Before all others: what is set in the same change is computed with the gap already. */
function shiftedTimers(
  { timers }: Pick<OrchestraParts, 'timers'>,
  { user, journal, state }: At,
  eventCommands: readonly EventCommands[],
): readonly Statement[] {
  let gap = 0
  for (const { event } of eventCommands)
    if (event.type === 'run.claimed' || event.type === 'clock.jumped') gap += event.gap
  const names = [...state.timers].flatMap(([name, { due }]) =>
    due === undefined || isWallClockTimer(name) ? [] : [name],
  )
  return gap > 0 && names.length > 0 ? timers.shift(user, journal, names, gap).statements : []
}

export function rowsOf({ journals, steps, timers }: OrchestraParts, at: At, command: Command): readonly Statement[] {
  switch (command.type) {
    case 'timer.set': {
      const body = runMessageJson({ type: 'timer', name: command.name })
      return timers.set(at.user, at.journal, command.name, wallTimeOf(at.state, command.name, command.due), body)
        .statements
    }
    case 'answer.deliver': {
      const answer = { ...command.answer, ...taintField(command.taint) }
      return steps.answer(at.user, stepJournal(at.run, command.step), command.wait, answer).statements
    }
    case 'step.cancel':
      return journals.fence(at.user, [stepJournal(at.run, command.step)]).statements
    case 'budget.draw':
    case 'children.cancel':
    case 'step.execute':
      return []
  }
}
