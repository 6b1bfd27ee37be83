/**
 * Starts the due actions of a step. It derives them from the state and the data, so that a lost notification has no effect.
 * It also asserts the invariants that concern several transitions.
 */
import { failure } from '../../core/index.ts'
import type { Execution } from '../steps/execution.ts'
import { staleRejection } from '../steps/step-end.ts'
import { inboxBatch } from './drain-inbox.ts'
import { remarksOf } from './finish-stop.ts'
import { executionOf, type StepControl } from './step-data.ts'
import type { Stop, StopReason } from './stop-reason.ts'

export function advanceStep(step: StepControl): void {
  const { data } = step
  switch (data.state) {
    case 'running':
    case 'completing':
      advanceCode(step)
      break
    case 'stopping':
      advanceStop(step, data.stop as Stop)
      break
    case 'parked':
      readInbox(step)
  }
  checkInvariants(step)
}

function readInbox(step: StepControl): void {
  const { inbox } = step.data
  if (!inbox.isDirty || inbox.isReading) return
  inbox.isDirty = false
  inbox.isReading = true
  step.perform({ do: 'readInbox', limit: inboxBatch + inbox.claimed.size })
}

function advanceCode(step: StepControl): void {
  const { data, timers, context } = step
  const { buffer, state } = data
  const execution = data.execution as Execution
  if (state === 'running') readInbox(step)
  data.turn?.advance()
  if (buffer.isWanted && buffer.phase === 'idle') buffer.phase = 'gathering'
  if (state === 'completing' && canEnd(step, execution)) {
    endCode(step, execution)
    return
  }
  const isDue = execution.due || buffer.phase === 'gathering' || (state === 'running' && isIdle(step))
  if (isDue) timers.tick()
  timers.watch(execution.missing, context.limits.stallMs)
}

const canEnd = ({ data }: StepControl, { effects, due }: Execution): boolean =>
  effects.size === 0 && !due && data.buffer.phase !== 'writing'

function endCode(step: StepControl, execution: Execution): void {
  const { data } = step
  const { ending } = data
  if (!ending) return
  const reason = ending.isDecided ? undefined : decideEnd(execution, ending.end)
  if (reason) {
    step.raise({ on: 'callFailed', reason })
    return
  }
  ending.isDecided = true
  data.turn?.end(ending.end)
  cutCommit(step)
}

/** Returns the reason for which the step cannot end with the end of its code; undefined if it can. */
function decideEnd(execution: Execution, end: object): StopReason | undefined {
  const { cursor, record, spec } = execution
  const unread = record.unread(cursor.remaining, (id) => cursor.asked(id))
  if (unread !== undefined) {
    const problem = `it ended without asking for ${unread}, which the record holds`
    return { kind: 'code.changed', problem }
  }
  const unused = record.unused()
  if (unused !== undefined) return { kind: 'fail', error: failure('effect.unused', { effect: unused, step: spec.id }) }
  const rejection = 'thrown' in end ? staleRejection(execution, end.thrown) : undefined
  return rejection && { kind: 'retry', rejection }
}

/**
 * Continues the stop procedure: waits for effects in progress, records their outcomes, and then ends the step by the reason.
 */
function advanceStop(step: StepControl, stop: Stop): void {
  const { data } = step
  const { buffer, execution } = data
  if (buffer.phase === 'writing') return
  buffer.phase = 'idle'
  buffer.dropClaims()
  if (stop.progress === 'unwinding') {
    if (data.code === 'ended' || stop.isLate) step.raise({ on: 'recorded' })
    return
  }
  if (stop.reason.kind === 'lost' && stop.head !== 'fenced') {
    if (stop.head === 'reading') return
    stop.head = 'reading'
    step.perform({ do: 'readHead' })
    return
  }
  if (stop.progress === 'recording' || (execution && execution.effects.size > 0 && !stop.isLate)) return
  stop.progress = 'recording'
  const part = buffer.cutRecord(remarksOf(step))
  if (!part || !stop.isRecordable) {
    step.raise({ on: 'recorded' })
    return
  }
  buffer.phase = 'writing'
  step.perform({ do: 'record', part, isFenced: stop.reason.kind === 'lost' })
}

/** Executes one macrotask of the step: gives an answer, cuts a commit, or parks the step. */
export function tickStep(step: StepControl): void {
  const { data } = step
  const execution = executionOf(step)
  const { buffer } = data
  if (execution.due) execution.tick()
  else if (buffer.phase === 'gathering') cutCommit(step)
  else if (data.state === 'running' && isIdle(step)) {
    if (buffer.isDirty) cutCommit(step)
    else parkStep(step)
  }
}

/** Returns true if the step only waits. */
const isIdle = (step: StepControl): boolean => {
  const { buffer, inbox } = step.data
  return executionOf(step).onlyWaits && !buffer.isBusy && !inbox.isReading && !inbox.isDirty
}

function cutCommit(step: StepControl): void {
  const { buffer, turn } = step.data
  const part = buffer.cut(turn?.take())
  buffer.phase = part ? 'writing' : 'idle'
  if (part) step.perform({ do: 'commit', part })
}

function parkStep(step: StepControl): void {
  const { uncertain, waits, staysWhenParked } = executionOf(step)
  const [first] = uncertain
  step.enter('parked')
  step.data.end.resolve(
    first ? { status: 'uncertain', call: first[0], effect: first[1] } : { status: 'parked', waits: [...waits] },
  )
  step.setParked(true)
  if (!staysWhenParked) step.raise({ on: 'drop' })
}

function assertRule(isTrue: boolean, rule: string): void {
  if (!isTrue) throw failure('invariant.broken', { rule })
}

function checkInvariants({ data }: StepControl): void {
  const { state, buffer, execution, stop, inbox } = data
  if (buffer.phase === 'writing')
    assertRule(state !== 'loading' && state !== 'backoff', 'a step that loads or backs off writes nothing')
  if (state === 'stopping') assertRule(stop !== undefined && !execution?.isActive, 'a step that stops answers no call')
  if (state === 'backoff') assertRule(execution?.effects.size === 0, 'a step that backs off has no effect in progress')
  if (state !== 'parked' || !execution) return
  assertRule(!buffer.isDirty && !buffer.isBusy, 'a parked step has nothing to commit')
  assertRule(execution.effects.size === 0, 'a parked step has no effect in progress')
  assertRule(
    execution.waits.size + execution.uncertain.size > 0 || inbox.isReading,
    'a parked step waits for something',
  )
}
