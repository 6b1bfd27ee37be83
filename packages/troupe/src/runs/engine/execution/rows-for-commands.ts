/** The rows of commands, in the same change and in their order: one change may clear a timer and set it again. */

import { taintField, type UserId } from '../../../core/index.ts'
import { type JournalId, stepJournal } from '../../../journal/index.ts'
import type { Statement, WorkQueue } from '../../../storage/index.ts'
import { wallTimeOf } from '../../machine/clocks/run-time.ts'
import type { Command } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { runMessageJson } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'

export interface RowTarget {
  readonly user: UserId
  readonly state: Readonly<State>
  readonly run: string
  /** The id of the run's journal. */
  readonly journal: JournalId
}

export const rowsForCommands = (
  parts: OrchestraParts,
  at: RowTarget,
  commands: readonly Command[],
): readonly Statement[] => [
  ...shiftedTimers(parts, at, commands),
  ...commands.flatMap((command) => rowsOf(parts, at, command)),
]

/** Returns the queues that have work after the commit of these commands. */
export const wakeForCommands = (
  { journal: { timers } }: Pick<OrchestraParts, 'journal'>,
  state: Readonly<State>,
  commands: readonly Command[],
): readonly WorkQueue[] =>
  commands.some(
    (command) =>
      command.type === 'timers.shift' ||
      (command.type === 'timer.set' && timers.isSoon(wallTimeOf(state, command.name, command.due))),
  )
    ? ['timers']
    : []

/** Comes first: timers that the same change sets are computed with the gap. */
function shiftedTimers(
  { journal: { timers } }: Pick<OrchestraParts, 'journal'>,
  { user, journal, state }: RowTarget,
  commands: readonly Command[],
): readonly Statement[] {
  let gap = 0
  for (const command of commands) if (command.type === 'timers.shift') gap += command.gap
  if (gap === 0) return []
  const names = viewOf(state).runningTimers()
  return names.length > 0 ? timers.shift(user, journal, names, gap).statements : []
}

export function rowsOf(
  { journal: { journals, steps, timers } }: OrchestraParts,
  at: RowTarget,
  command: Command,
): readonly Statement[] {
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
    case 'timer.clear':
      return timers.clear(at.user, at.journal, command.name).statements
    default:
      return []
  }
}
