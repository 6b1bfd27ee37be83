/** Takes back what a run did outside: its steps that are over, the last first, each effect that brings an undo. */
import { failure, type StoredError, type UserId } from '../../core/index.ts'
import { evolve } from '../core/evolve.ts'
import type { Command } from '../core/model.ts'
import { createState } from '../core/state.ts'
import type { ForkSource } from '../orchestra/fork-run.ts'
import type { OrchestraParts } from '../orchestra/parts.ts'
import { stepJournal } from '../orchestra/run-journals.ts'
import { StepLauncher } from '../orchestra/step-launcher.ts'
import { PastRun } from './past-run.ts'

export interface UndoOptions {
  /** Those alone; all by default. */
  readonly steps?: readonly string[]
  readonly signal?: AbortSignal
}

export interface UndoneOfRun {
  readonly step: string
  readonly agent: string
  /** Which call of the step it is. */
  readonly call: string
  /** The name that the code gave it, or of its tool. */
  readonly effect: string
  /** `none`: nothing brings an undo for it. `left`: one that came later failed before it was its turn. */
  readonly status: 'undone' | 'already' | 'none' | 'failed' | 'left'
  readonly error?: StoredError
}

type Execute = Extract<Command, { readonly type: 'step.execute' }>

/** Model calls are no effects that anybody would take back. */
const isAct = ({ effect }: UndoneOfRun) => !effect.startsWith('model ')

/** @returns all that it did, the last first; after one that failed nothing is undone any more */
export async function undoRun(
  parts: OrchestraParts,
  user: UserId,
  source: ForkSource,
  { steps, signal }: UndoOptions,
): Promise<readonly UndoneOfRun[]> {
  const past = PastRun.of(source.run, source.records)
  const commands = stepsThatEnded(past)
  const unknown = steps?.find((step) => !commands.some((command) => command.step === step))
  if (unknown !== undefined)
    throw failure('validation.failed', { what: 'undo.steps', problem: `run ${source.run} has no step ${unknown}` })
  const launcher = new StepLauncher(parts, user, source.run, source.pinned, source.agents)
  const undone: UndoneOfRun[] = []
  for (const command of commands.reverse()) {
    if (steps && !steps.includes(command.step)) continue
    const { step, agent } = command
    const stopped = undone.some(({ status }) => status === 'failed')
    const effects = stopped ? await leftOf(parts, user, source.run, command) : await launcher.undo(command, signal)
    undone.push(...effects.map(({ name, ...rest }) => ({ step, agent, effect: name, ...rest })).filter(isAct))
  }
  return undone
}

/** As they were carried out, in the order in which they ended. */
function stepsThatEnded(past: PastRun): Execute[] {
  const state = createState()
  const started = new Map<string, Execute>()
  const ended: Execute[] = []
  for (const event of past.events) {
    evolve(state, event)
    if (event.type === 'step.started') {
      const command = state.open.get(`execute ${event.step}`)
      if (command?.type === 'step.execute') started.set(event.step, command)
    }
    const command =
      event.type === 'step.completed' || event.type === 'step.failed' ? started.get(event.step) : undefined
    if (command) ended.push(command)
  }
  return ended
}

/** Not tried, for what came later could not be taken back. */
async function leftOf({ steps }: OrchestraParts, user: UserId, run: string, { step }: Execute) {
  const effects = await steps.effects(user, stepJournal(run, step))
  return effects
    .filter(({ state, key }) => state === 'done' && key !== undefined)
    .map(({ call, name }) => ({ call, name, status: 'left' as const }))
    .reverse()
}
