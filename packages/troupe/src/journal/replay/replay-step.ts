/**
 * Executes the code of a step once more and answers it from its record alone: no call begins, and nothing is written.
 */
import { failure, type Json, sleep } from '../../core/index.ts'
import type { JournalContent } from '../journal-port.ts'
import type { Program } from '../machine/step-machine.ts'
import { Execution, type SeenEffect, type StepPort } from '../steps/execution.ts'
import { logOf } from '../steps/step-end.ts'
import { executionParts, type StepsContext } from '../steps/steps-context.ts'
import type { StepSpec } from '../steps-port.ts'
import { CommitBuffer } from '../turns/commit-buffer.ts'
import { StageRecorder } from '../turns/stage-recorder.ts'
import { Turn } from '../turns/turn.ts'
import type { CallId } from './call-id.ts'

/** How many times as long as its code a running function of a step may take, since it may still lead to the next call. */
const workingStalls = 10

/**
 * @param options.reexecuteBodies executes bodies of tools too; otherwise their recorded results answer them
 * @returns the effects that the code asked for
 * @throws ConflictError `code.changed` if the code makes a call that the record does not have
 */
export async function replayStep(
  context: StepsContext,
  spec: StepSpec,
  content: JournalContent,
  program: Program,
  options: { readonly reexecuteBodies: boolean },
): Promise<ReadonlyMap<CallId, SeenEffect>> {
  const { clock, limits } = context
  const seen = new Map<CallId, SeenEffect>()
  const changed = Promise.withResolvers<never>()
  changed.promise.catch(() => {})
  const reject = (problem: string) => changed.reject(failure('code.changed', { step: spec.id, problem }))
  let isTickScheduled = false
  const port: StepPort = {
    spec,
    dispatch(trigger) {
      if (trigger.on === 'broken') changed.reject(trigger.error)
      if (trigger.on === 'callFailed')
        if (trigger.reason.kind === 'fail') changed.reject(trigger.reason.error)
        else reject('problem' in trigger.reason ? trigger.reason.problem : 'it commits again')
      port.advance()
    },
    advance() {
      if (isTickScheduled) return
      isTickScheduled = true
      clock.soon(() => {
        isTickScheduled = false
        if (execution.isActive) tick()
      })
    },
  }
  // Nothing is written: no call begins, for all of them are answered from the record.
  const buffer = new CommitBuffer()
  const record = logOf(content.records, options)
  const execution = new Execution({ ...executionParts(context), record, buffer, port, seen })
  const late = new AbortController()
  const usedUp = Promise.withResolvers<void>()
  // The record of a stopped step has no end, and the present code of a failed step may not fail. The replay of such a step
  // is complete when all recorded answers are given.
  const isDone = () =>
    execution.isActive &&
    !(record.end && 'value' in record.end) &&
    execution.cursor.usedUp &&
    execution.effects.working === 0
  const stallProblem = () => {
    const { cursor, missing = record.unread(cursor.remaining, (id) => cursor.asked(id)) } = execution
    return missing === undefined
      ? 'the record ends, and the code does not'
      : `the record continues with ${missing}, which the code does not call`
  }
  let progressAt = clock.monotonic()
  function tick() {
    progressAt = clock.monotonic()
    execution.tick()
    if (execution.due) port.advance()
    else if (isDone()) clock.soon(() => clock.soon(() => isDone() && usedUp.resolve()))
  }
  async function watchStall(): Promise<void> {
    for (let leftMs = limits.stallMs; leftMs > 0; ) {
      await sleep(clock, Math.min(leftMs, limits.stallMs), late.signal)
      const limitMs = execution.effects.working > 0 ? workingStalls * limits.stallMs : limits.stallMs
      leftMs = limitMs - (clock.monotonic() - progressAt)
    }
    reject(stallProblem())
  }
  try {
    const ended = program(new StageRecorder(execution, new Turn(execution), execution.root)).catch(() => null)
    watchStall().catch(() => {})
    await Promise.race([ended, usedUp.promise, changed.promise])
  } finally {
    late.abort()
    execution.stop('silent', 'parked')
  }
  return seen
}

/**
 * Returns the complete requests of a step's effects. The code is executed once more to find them, since the record has only
 * hashes. Bodies of tools are not executed, so their requests are omitted.
 */
export async function requestsOf(
  context: StepsContext,
  spec: StepSpec,
  program: Program,
): Promise<ReadonlyMap<string, Json>> {
  const content = await context.journals.load(spec.principal.userId, spec.id)
  if (!content) return new Map()
  const seen = await replayStep(context, spec, content, program, { reexecuteBodies: false })
  const { redact = (text: string) => text } = context
  return new Map(
    [...seen].flatMap(([call, { request }]) =>
      request === undefined ? [] : [[call, JSON.parse(redact(JSON.stringify(request))) as Json] as const],
    ),
  )
}
