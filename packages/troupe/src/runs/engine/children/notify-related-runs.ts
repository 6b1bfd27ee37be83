/**
 * Sends a pause, a resume, new breakpoints, a failure or a cancellation of a run to its child runs, in the change that
 * decides it. A run that reaches a breakpoint notifies its parent, so that all related runs pause.
 */
import type { UserId } from '../../../core/index.ts'
import { journalOwnerOf, runJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { BreakOn } from '../../../topology/index.ts'
import type { ChildMessage } from '../../machine/command.ts'
import type { Command, Pinned } from '../../machine/machine-events.ts'
import { type DerivedStatus, deriveStatus } from '../../machine/run/run-account.ts'
import { openQuestionsOf } from '../../machine/run/run-waiting.ts'
import type { State } from '../../machine/state.ts'
import { type RunMessage, runMessageJson } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { usageSoFar } from './answer-parent.ts'
import { parentOf } from './parent.ts'

/** Returns the breakpoints that child runs share: all except the number of an event, which belongs to one journal. */
export const childBreakpoints = (breakOn: readonly BreakOn[]): readonly BreakOn[] =>
  breakOn.filter(({ on }) => on !== 'seq')

const childMessage = (message: ChildMessage): RunMessage =>
  message.type === 'break'
    ? { ...message, by: 'parent', breakOn: childBreakpoints(message.breakOn) }
    : { ...message, by: 'parent' }

interface RunContext {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
}

export async function notifyRelatedRuns(
  parts: Pick<OrchestraParts, 'stores' | 'journal'>,
  runContext: RunContext,
  commands: readonly Command[],
): Promise<readonly Statement[]> {
  return [...(await notifyChildren(parts, runContext, commands)), ...notifyParent(parts, runContext, commands)]
}

async function notifyChildren(
  { stores: { store }, journal: { inbox } }: Pick<OrchestraParts, 'stores' | 'journal'>,
  { user, run }: RunContext,
  commands: readonly Command[],
): Promise<readonly Statement[]> {
  const messages = commands.flatMap((command) => (command.type === 'children.notify' ? [command] : []))
  if (messages.length === 0) return []
  const childRuns = await store.children(user, run)
  return childRuns.flatMap((child) =>
    messages.flatMap(
      ({ id, message }) =>
        inbox.put(user, runJournal(child.run), runJournal(run), id, runMessageJson(childMessage(message))).statements,
    ),
  )
}

/** The decisions of a change, and the state of the run before it. */
interface Decided {
  readonly before: DerivedStatus
  readonly commands: readonly Command[]
  /** True if the parent resumed the run. */
  readonly isAsked: boolean
  /** The id of the message, once for each change. */
  readonly name: string
}

/**
 * Returns the report of a run to its parent: the run waits, or it moves again. A run that still waits after a resume of its
 * parent reports this too.
 */
export function reportToParent(
  { journal: { inbox } }: Pick<OrchestraParts, 'journal'>,
  { user, run, pinned, state }: RunContext & { readonly state: Readonly<State> },
  { before, isAsked, commands, name }: Decided,
): readonly Statement[] {
  const parent = parentOf(pinned)
  const { over, reason } = deriveStatus(state)
  const step = parent && journalOwnerOf(parent.step)?.step
  if (over || parent === undefined || step === undefined) return []
  const put = (message: RunMessage) =>
    inbox.put(user, runJournal(parent.run), runJournal(run), `${message.type} ${name}`, runMessageJson(message))
      .statements
  if (reason === undefined) return before.reason === undefined ? [] : put({ type: 'child.resumed', child: run, step })
  if (!isAsked && !commands.some(({ type }) => type === 'parent.report')) return []
  const questions = openQuestionsOf(state)
  const usage = usageSoFar(state, parent)
  return put({ type: 'child.waiting', child: run, step, reason, questions, ...(usage ? { usage } : {}) })
}

export function notifyParent(
  { journal: { inbox } }: Pick<OrchestraParts, 'journal'>,
  { user, run, pinned }: RunContext,
  commands: readonly Command[],
): readonly Statement[] {
  const above = parentOf(pinned)?.run
  if (above === undefined) return []
  return commands.flatMap((command) => {
    if (command.type !== 'parent.notify') return []
    const message: RunMessage = { type: 'pause', by: 'breakpoint', breakpoint: { run, ...command.breakpoint } }
    return inbox.put(user, runJournal(above), runJournal(run), command.id, runMessageJson(message)).statements
  })
}
