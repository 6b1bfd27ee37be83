/**
 * Takes back what a settled step did to the world, the last effect first. Its code is entered once more and answered from
 * the record alone, only to learn how each effect is undone; then the undos run as a step of their own, which survives a
 * crash like any other and repeats none that is recorded.
 *
 * Effects inside the body of a tool are not reached: a body whose result is recorded is not entered again.
 */
import { failure, type Json, restoreError, sleep } from '../../core/index.ts'
import type { EffectSpec } from '../effect-port.ts'
import type { JournalContent } from '../journal-port.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
import { Appender } from './appender.ts'
import type { CallId } from './call-identity.ts'
import type { Program } from './execution.ts'
import { Life, type LifeHost } from './life.ts'
import { effectsOf } from './recorded-effects.ts'
import { StageRecorder } from './stage-recorder.ts'
import { logOf } from './step-end.ts'
import type { StepsContext } from './steps-context.ts'
import { Turn } from './turn.ts'

type UndoFunction = NonNullable<EffectSpec<unknown>['undo']>

/** An effect that happened, and how it is taken back. */
interface Undoing {
  readonly call: CallId
  readonly key: string
  readonly output: Json
  readonly undo: UndoFunction
}

/** @throws ConflictError `code.changed` where the code asks for what the record does not hold */
async function learnUndos(
  context: StepsContext,
  spec: StepSpec,
  content: JournalContent,
  program: Program,
): Promise<readonly Undoing[]> {
  const { clock, timers, inside, limits, uncertain, storage, journals } = context
  const learned = new Map<CallId, UndoFunction>()
  const changed = Promise.withResolvers<never>()
  changed.promise.catch(() => {})
  const refuse = (problem: string) => changed.reject(failure('code.changed', { step: spec.id, problem }))
  const host: LifeHost = {
    spec,
    turnFailed: () => refuse('it commits again'),
    lost: () => refuse('it writes again'),
    broken: (error) => changed.reject(error),
    changed: refuse,
    fail: (error) => changed.reject(error),
    settled: () => {},
    quiet: () => {},
  }
  // Nothing is written: no call begins, for all of them are answered from the record.
  const entered = () => '{}'
  const user = spec.principal.userId
  const appender = new Appender({ storage, journals, clock, user, step: spec.id, writer: undefined, entered })
  const log = logOf(content.records)
  const life = new Life({ clock, timers, uncertain, inside, limits, log, appender, host, learned })
  const late = new AbortController()
  try {
    const ended = program(new StageRecorder(life, new Turn(life), life.root)).catch(() => null)
    const stalled = sleep(clock, limits.stallMs, late.signal).then(
      () => refuse('it asks for what its record does not hold'),
      () => {},
    )
    await Promise.race([ended, changed.promise, stalled.then(() => changed.promise)])
  } finally {
    late.abort()
    life.end('parked')
  }
  return effectsOf(content.records).flatMap(({ call, key, state, output }) => {
    const undo = learned.get(call)
    return undo && key !== undefined && state === 'done' ? [{ call, key, output: output ?? null, undo }] : []
  })
}

/**
 * @param execute carries out the step that undoes
 * @returns the calls that were undone, the last first
 * @throws ConflictError `step.open`; what an undo failed with: it is tried again by the next call
 */
export async function undoStep(
  context: StepsContext,
  spec: StepSpec,
  program: Program,
  execute: (spec: StepSpec, program: Program) => Promise<StepEnd>,
): Promise<readonly CallId[]> {
  const { journals } = context
  const user = spec.principal.userId
  const content = await journals.load(user, spec.id)
  if (!content?.closed) throw failure('step.open', { step: spec.id })
  const undoings = [...(await learnUndos(context, spec, content, program))].reverse()
  const attempt = await nextAttempt(context, user, spec.id)
  const end = await execute(
    {
      id: attempt,
      principal: spec.principal,
      input: { undo: spec.id },
      settled: () => ({ statements: [] }),
      ...(spec.runId === undefined ? {} : { runId: spec.runId }),
      ...(spec.signal ? { signal: spec.signal } : {}),
    },
    async (recorder: Recorder) => {
      for (const { call, key, output, undo } of undoings)
        await recorder.effect(`undo ${call}`, { class: 'idempotent', key: `undo:${key}`, input: { call } }, () =>
          undo(key, output),
        )
      return undoings.map(({ call }) => call)
    },
  )
  if (end.status === 'settled') return end.outcome as CallId[]
  throw end.status === 'failed' ? restoreError(end.error) : failure('cancelled', { what: `Undoing ${spec.id}` })
}

/** An undo that failed is tried again as another step; one that was cut off, or is done, is joined. */
async function nextAttempt({ journals }: StepsContext, user: string, step: string): Promise<string> {
  for (let n = 1; ; n++) {
    const id = `undo:${step}#${n}`
    const before = await journals.load(user, id)
    if (!before?.closed || logOf(before.records).end?.error === undefined) return id
  }
}
