/**
 * Takes back what a run did outside: its steps that are over, the last first, each effect that brings an undo. What runs that
 * a step started did is taken back at the place where the step had started them.
 */
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
  /** Those alone, with the runs that they started; all by default. */
  readonly steps?: readonly string[]
  readonly signal?: AbortSignal
}

export interface UndoneOfRun {
  /** Of a run that a step started: its id. */
  readonly run?: string
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

interface Undoing {
  readonly parts: OrchestraParts
  readonly user: UserId
  readonly signal: AbortSignal | undefined
  /** A run that one of the steps started, with its code. */
  readonly source: (run: string) => Promise<ForkSource>
  /** What was done so far, the last first. */
  readonly undone: UndoneOfRun[]
}

type Execute = Extract<Command, { readonly type: 'step.execute' }>

/** Model calls are no effects that anybody would take back. */
const isAct = ({ effect }: UndoneOfRun) => !effect.startsWith('model ')

/**
 * @param open reads a run that one of its steps started, with its code
 * @returns all that it did, the last first; after one that failed nothing is undone any more
 * @throws ConflictError `run.open` where a run that it started goes on
 */
export async function undoRun(
  parts: OrchestraParts,
  user: UserId,
  source: ForkSource,
  { steps, signal }: UndoOptions,
  open: (run: string) => Promise<ForkSource>,
): Promise<readonly UndoneOfRun[]> {
  const below = await parts.store.children(user)
  const going = below.find(({ parent }) => parent.above.includes(source.run))
  if (going) throw failure('run.open', { run: going.run, status: going.status })
  const undoing: Undoing = { parts, user, signal, source: open, undone: [] }
  await undoSteps(undoing, source, steps, {})
  return undoing.undone
}

async function undoSteps(
  undoing: Undoing,
  source: ForkSource,
  steps: readonly string[] | undefined,
  of: Pick<UndoneOfRun, 'run'>,
): Promise<void> {
  const commands = stepsThatEnded(PastRun.of(source.run, source.records))
  const unknown = steps?.find((step) => !commands.some((command) => command.step === step))
  if (unknown !== undefined)
    throw failure('validation.failed', { what: 'undo.steps', problem: `run ${source.run} has no step ${unknown}` })
  const launcher = new StepLauncher(undoing.parts, undoing.user, source.run, source.pinned, source.agents)
  for (const command of commands.reverse()) {
    if (steps && !steps.includes(command.step)) continue
    for (const part of (await partsOf(undoing, source.run, command)).reverse()) {
      if ('run' in part) await undoSteps(undoing, await undoing.source(part.run), undefined, part)
      else await undoEffects(undoing, launcher, source.run, command, part.only, of)
    }
  }
}

async function undoEffects(
  { parts, user, signal, undone }: Undoing,
  launcher: StepLauncher,
  run: string,
  command: Execute,
  only: ReadonlySet<string> | undefined,
  of: Pick<UndoneOfRun, 'run'>,
): Promise<void> {
  const { step, agent } = command
  const stopped = undone.some(({ status }) => status === 'failed')
  const effects = stopped ? await leftOf(parts, user, run, command, only) : await launcher.undo(command, signal, only)
  undone.push(...effects.map(({ name, ...rest }) => ({ ...of, step, agent, effect: name, ...rest })).filter(isAct))
}

/** An entry of a step's log, as far as it says what the step did. */
interface Entry {
  readonly t: string
  readonly id?: string
}

/** The run that the step began there. */
const startedBy = ({ t, id = '' }: Entry) => (t === 'wait' ? /\/run:(.+)#\d+$/.exec(id)?.[1] : undefined)

/** What a step did, in its order: effects, and runs that it started. */
async function partsOf(
  { parts, user }: Undoing,
  run: string,
  { step }: Execute,
): Promise<({ readonly run: string } | { readonly only?: ReadonlySet<string> })[]> {
  const journal = await parts.journals.load(user, stepJournal(run, step))
  const entries = (journal?.records ?? []).flatMap(({ body }) => body as unknown as readonly Entry[])
  if (!entries.some((entry) => startedBy(entry) !== undefined)) return [{}]
  const found: ({ readonly run: string } | { readonly only: Set<string> })[] = [{ only: new Set() }]
  const seen = new Set<string>()
  for (const entry of entries) {
    const { t, id = '' } = entry
    const started = startedBy(entry)
    if (started !== undefined) found.push({ run: started }, { only: new Set() })
    if ((t !== 'claim' && t !== 'effect') || seen.has(id)) continue
    seen.add(id)
    const last = found.at(-1)
    if (last && 'only' in last) last.only.add(id)
  }
  return found.filter((part) => 'run' in part || part.only.size > 0)
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
async function leftOf(
  { steps }: OrchestraParts,
  user: UserId,
  run: string,
  { step }: Execute,
  only: ReadonlySet<string> | undefined,
) {
  const effects = await steps.effects(user, stepJournal(run, step))
  return effects
    .filter(({ state, key, call }) => state === 'done' && key !== undefined && (only?.has(call) ?? true))
    .map(({ call, name }) => ({ call, name, status: 'left' as const }))
    .reverse()
}
