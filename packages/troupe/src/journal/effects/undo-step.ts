/**
 * Undoes the effects of an ended step, the last effect first. The code of the step and the bodies of its tools are executed
 * on the record to find the undo function of each effect. The undo functions then run as a step of their own, which survives
 * a crash like any other and repeats no undo that is recorded.
 */
import { failure, type Json } from '../../core/index.ts'
import type { EffectSpec } from '../effect-port.ts'
import type { Program } from '../machine/step-machine.ts'
import type { Recorder } from '../recorder-port.ts'
import type { CallId } from '../replay/call-id.ts'
import { replayStep } from '../replay/replay-step.ts'
import type { StepsContext } from '../steps/steps-context.ts'
import type { EffectUndoOptions, EffectUndoResult, RecordedEffect, StepEnd, StepSpec } from '../steps-port.ts'
import { effectsOf } from './effects-of.ts'

type UndoFunction = NonNullable<EffectSpec<unknown>['undo']>

/** An effect that happened, with its undo function. */
interface Undoing {
  readonly call: CallId
  readonly key: string
  readonly output: Json
  readonly undo: UndoFunction
}

/**
 * @param execute executes the step that undoes
 * @throws ConflictError `step.open`, `code.changed`
 */
export async function undoStep(
  context: StepsContext,
  spec: StepSpec,
  program: Program,
  execute: (spec: StepSpec, program: Program) => Promise<StepEnd>,
  { only, plan = false }: EffectUndoOptions = {},
): Promise<readonly EffectUndoResult[]> {
  const { journals } = context
  const user = spec.principal.userId
  const content = await journals.load(user, spec.id)
  if (!content || (!content.closed && content.fenced === undefined)) throw failure('step.open', { step: spec.id })
  const did = effectsOf(content.records)
    .filter(({ state, key, call }) => state === 'done' && key !== undefined && (only?.has(call) ?? true))
    .reverse()
  if (did.length === 0) return []
  const seen = await replayStep(context, spec, content, program, { reexecuteBodies: true })
  const undoings = did.flatMap(({ call, key, output }): Undoing[] => {
    const undo = seen.get(call)?.undo
    return undo && key !== undefined ? [{ call, key, output: output ?? null, undo }] : []
  })
  const before = await attempts(context, user, spec.id)
  const left = undoings.filter(({ call }) => !before.past.has(undoKey(call)))
  if (left.length > 0 && !plan) await carryOut(spec, before.next, left, execute)
  const after = plan ? undefined : await attempts(context, user, spec.id)
  return did.map(({ call, name }) => ({
    call,
    name,
    ...outcomeOf(undoKey(call), seen.get(call)?.undo !== undefined, before, after),
  }))
}

/** The key of an effect does not identify its undo: code may name one key for several effects of a step. */
const undoKey = (call: CallId) => `undo:${call}`

/** Executes the undo functions as one step. The next undo of the step joins or continues an interrupted one. */
async function carryOut(
  spec: StepSpec,
  attempt: string,
  undoings: readonly Undoing[],
  execute: (spec: StepSpec, program: Program) => Promise<StepEnd>,
): Promise<void> {
  const end = await execute(
    {
      id: attempt,
      principal: spec.principal,
      input: { undo: spec.id },
      onEnd: () => ({ statements: [] }),
      ...(spec.runId === undefined ? {} : { runId: spec.runId }),
      ...(spec.signal ? { signal: spec.signal } : {}),
    },
    async (recorder: Recorder) => {
      for (const { call, key, output, undo } of undoings)
        await recorder.effect(`undo ${call}`, { class: 'idempotent', key: undoKey(call), input: { call } }, () =>
          undo(key, output),
        )
      return null
    },
  )
  if (end.status === 'code.changed') throw failure('code.changed', { step: attempt, problem: end.problem })
  if (end.status !== 'completed' && end.status !== 'failed') throw failure('cancelled', { what: `Undoing ${spec.id}` })
}

/** Returns the calls of a step whose effects have been undone. */
export async function revertedCalls(context: Pick<StepsContext, 'journals'>, user: string, step: string) {
  const { done } = await attempts(context, user, step)
  return new Set([...done].map((key) => key.slice(undoKey('').length)))
}

interface Attempts {
  /** The undo keys of undone effects, in any attempt. */
  readonly done: ReadonlySet<string>
  readonly past: ReadonlySet<string>
  /** The errors of the latest attempt, by undo key. */
  readonly failed: ReadonlyMap<string, RecordedEffect>
  /** A failed attempt is followed by another; an interrupted one continues. */
  readonly next: string
}

async function attempts({ journals }: Pick<StepsContext, 'journals'>, user: string, step: string): Promise<Attempts> {
  const [done, past] = [new Set<string>(), new Set<string>()]
  for (let n = 1, failed = new Map<string, RecordedEffect>(); ; n++) {
    const id = `undo:${step}#${n}`
    const journal = await journals.load(user, id)
    if (!journal) return { done, past, failed, next: id }
    failed = new Map()
    for (const effect of effectsOf(journal.records)) {
      if (effect.state === 'done' && effect.key !== undefined) done.add(effect.key)
      if (effect.state === 'failed' && effect.key !== undefined) failed.set(effect.key, effect)
    }
    if (!journal.closed) return { done, past, failed, next: id }
    for (const key of done) past.add(key)
  }
}

/** @param after undefined for a plan */
function outcomeOf(
  key: string,
  hasUndo: boolean,
  before: Attempts,
  after: Attempts | undefined,
): Pick<EffectUndoResult, 'status' | 'error'> {
  if (!hasUndo) return { status: 'none' }
  if (before.done.has(key)) return { status: 'already' }
  if (!after) return { status: 'planned' }
  if (after.done.has(key)) return { status: 'undone' }
  const error = after.failed.get(key)?.error
  return error ? { status: 'failed', error } : { status: 'skipped' }
}
