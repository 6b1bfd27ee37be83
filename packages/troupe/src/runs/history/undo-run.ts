/**
 * Undoes the effects of an ended run: its ended steps, the last first, each effect that has an undo function. The
 * effects of a child run are undone at the step that started it. A fork shares effects with its source: they are undone
 * if the fork is a retry of the source, and stay otherwise.
 */
import {
  capture,
  checkFlag,
  checkOptions,
  checkSignal,
  checkText,
  failure,
  invalidInput,
  listOf,
  type StoredError,
  type UserId,
} from '../../core/index.ts'
import { stepJournal } from '../../journal/index.ts'
import { StepCode } from '../engine/execution/steps/step-code.ts'
import type { ForkSource } from '../engine/forks/fork-run.ts'
import { forkedFrom } from '../engine/forks/forked-steps.ts'
import type { OrchestraParts } from '../engine/orchestra-parts.ts'
import { PastRun } from './past-run.ts'
import { type ExecuteStep, executedSteps } from './steps/executed-steps.ts'

/** The options of `orchestra.undo`. */
export interface UndoOptions {
  /** The ids of the steps to undo, with the child runs that they started; all by default. */
  readonly steps?: readonly string[]
  /**
   * True undoes nothing and returns what an undo would do: `planned`, `already` or `none` for each effect. False by
   * default.
   */
  readonly plan?: boolean
  /** Stops the undo with CancelledError; called again, it continues. */
  readonly signal?: AbortSignal
}

/** Checks and captures the options of an undo. @throws ValidationError; CancelledError if the signal has aborted */
export function readUndo(options: UndoOptions): UndoOptions {
  checkOptions('orchestra.undo', options, ['steps', 'plan', 'signal'])
  if (options.plan !== undefined) checkFlag('The option plan of orchestra.undo', options.plan)
  checkSignal('orchestra.undo', options.signal)
  if (options.steps !== undefined)
    for (const step of listOf('The option steps of orchestra.undo', options.steps))
      checkText('The option steps of orchestra.undo', step)
  return capture(options)
}

/** The result of undoing one effect. */
export interface RunUndoResult {
  /** The id of the child run, if a child run had the effect. */
  readonly run?: string
  /** The id of the step. */
  readonly step: string
  /** The name of the agent. */
  readonly agent: string
  /** The id of the call in the step. */
  readonly call: string
  /** The name of the effect in the code, or of its tool. */
  readonly effect: string
  /** `none`: it has no undo function. `skipped`: the undo of a later effect failed before. */
  readonly status: 'planned' | 'undone' | 'already' | 'none' | 'failed' | 'skipped'
  /** The error of the undo function; absent unless it failed. */
  readonly error?: StoredError
}

interface Undoing {
  readonly parts: OrchestraParts
  readonly user: UserId
  readonly signal: AbortSignal | undefined
  readonly plan: boolean
  /** Reads a child run with the code of its agents. */
  readonly source: (run: string) => Promise<ForkSource>
  /** The results so far, the last effect first. */
  readonly undoResults: RunUndoResult[]
}

/** Model calls need no undo and are left out. */
const isSideEffect = ({ effect }: RunUndoResult) => !effect.startsWith('model ')

/**
 * @param open reads a child run with the code of its agents
 * @returns all effects, the last first; the undo stops at the first failure
 * @throws ConflictError `run.open` if a child run has not ended
 */
export async function undoRun(
  parts: OrchestraParts,
  user: UserId,
  source: ForkSource,
  { steps, signal, plan = false }: UndoOptions,
  open: (run: string) => Promise<ForkSource>,
): Promise<readonly RunUndoResult[]> {
  const childRuns = await parts.stores.store.children(user)
  const unfinished = childRuns.find(({ parent }) => parent?.above.includes(source.run))
  if (unfinished) throw failure('run.open', { run: unfinished.run, status: unfinished.status })
  const undoing: Undoing = { parts, user, signal, plan, source: open, undoResults: [] }
  await undoSteps(undoing, source, steps, {})
  return undoing.undoResults
}

async function undoSteps(
  undoing: Undoing,
  source: ForkSource,
  steps: readonly string[] | undefined,
  of: Pick<RunUndoResult, 'run'>,
): Promise<void> {
  const commands = [...executedSteps(PastRun.of(source.run, source.records)).ended]
  const unknown = steps?.find((step) => !commands.some((command) => command.step === step))
  if (unknown !== undefined) throw invalidInput('undo.steps', `run ${source.run} has no step ${unknown}`)
  const { run, pinned, agents } = source
  const code = new StepCode(undoing.parts, { user: undoing.user, run, pinned, agents })
  const shares = await sharesOf(undoing, source)
  for (const command of commands.reverse()) {
    if (steps && !steps.includes(command.step)) continue
    const shared = await shares(command.step)
    for (const part of (await partsOf(undoing, source.run, command, shared?.calls)).reverse()) {
      if ('run' in part) await undoSteps(undoing, await undoing.source(part.run), undefined, part)
      else await undoEffects(undoing, code, source.run, command, part.only, of)
    }
    if (shared?.retryOf) await undoSteps(undoing, shared.retryOf, [command.step], { run: shared.retryOf.run })
  }
}

interface Shared {
  /** The effects and the child runs that the step had when the fork began. */
  readonly calls: ReadonlySet<string>
  /** The source of the fork, if the fork is a retry. */
  readonly retryOf?: ForkSource
}

/** @returns the calls that a step shares with the source of the fork; undefined for a step of the fork only */
async function sharesOf(
  { parts, user, source }: Undoing,
  { run, pinned }: ForkSource,
): Promise<(step: string) => Promise<Shared | undefined>> {
  const from = forkedFrom(pinned)
  if (!from) return async () => undefined
  const before = await source(from.run)
  const { events } = PastRun.of(before.run, before.records)
  const started = new Set(events.slice(0, from.at).flatMap((each) => (each.type === 'step.started' ? [each.step] : [])))
  return async (step) => {
    if (!started.has(step)) return undefined
    const [then, here] = await Promise.all(
      [before.run, run].map((each) => parts.journal.steps.effects(user, stepJournal(each, step))),
    )
    // An effect with another key was executed again in the fork.
    const done = new Set(then?.flatMap(({ call, key, state }) => (state === 'done' ? [`${call} ${key}`] : [])))
    const effects = here?.flatMap(({ call, key }) => (done.has(`${call} ${key}`) ? [call] : [])) ?? []
    const runs = (await entriesOf(parts, user, before.run, step)).filter((entry) => startedBy(entry) !== undefined)
    return {
      calls: new Set([...effects, ...runs.map(({ id = '' }) => id)]),
      ...(from.retry ? { retryOf: before } : {}),
    }
  }
}

async function undoEffects(
  { parts, user, signal, plan, undoResults }: Undoing,
  code: StepCode,
  run: string,
  command: ExecuteStep,
  only: ReadonlySet<string> | undefined,
  of: Pick<RunUndoResult, 'run'>,
): Promise<void> {
  const { step, agent } = command
  const stopped = undoResults.some(({ status }) => status === 'failed')
  const effects = stopped
    ? await skippedUndos(parts, user, run, command, only)
    : await code.undo(command, signal, { only, plan })
  undoResults.push(
    ...effects.map(({ name, ...rest }) => ({ ...of, step, agent, effect: name, ...rest })).filter(isSideEffect),
  )
}

/** The fields of a journal record that identify its call. */
type Entry = {
  readonly t: string
  readonly id?: string
}

/** Returns the child run that the record starts. */
const startedBy = ({ t, id = '' }: Entry) => (t === 'wait' ? /\/run:(.+)#\d+$/.exec(id)?.[1] : undefined)

async function entriesOf({ journal: { journals } }: OrchestraParts, user: UserId, run: string, step: string) {
  const journal = await journals.load(user, stepJournal(run, step))
  return (journal?.records ?? []).flatMap(({ body }) => body as readonly Entry[])
}

/**
 * Returns the effects and the child runs of a step, in the order of its record.
 * @param shared the calls that the source of the fork has made
 */
async function partsOf(
  { parts, user }: Undoing,
  run: string,
  { step }: ExecuteStep,
  shared?: ReadonlySet<string>,
): Promise<({ readonly run: string } | { readonly only?: ReadonlySet<string> })[]> {
  const entries = (await entriesOf(parts, user, run, step)).filter(({ id = '' }) => !shared?.has(id))
  if (!shared && !entries.some((entry) => startedBy(entry) !== undefined)) return [{}]
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

/** Returns the effects that are skipped because a later undo failed. */
async function skippedUndos(
  { journal: { steps } }: OrchestraParts,
  user: UserId,
  run: string,
  { step }: ExecuteStep,
  only: ReadonlySet<string> | undefined,
) {
  const effects = await steps.effects(user, stepJournal(run, step))
  return effects
    .filter(({ state, key, call }) => state === 'done' && key !== undefined && (only?.has(call) ?? true))
    .map(({ call, name }) => ({ call, name, status: 'skipped' as const }))
    .reverse()
}
