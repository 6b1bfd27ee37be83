/**
 * Effects: claimed before they start if their class requires it, answered from the record, and never repeated if their
 * outcome is unknown.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  CancelledError,
  checkJson,
  encodeJson,
  failure,
  hashJson,
  hashText,
  type Json,
  LeaseLostError,
  storeError,
  type TaintLabel,
  TroupeError,
  toReadable,
} from '../../core/index.ts'
import type { ClaimRows, EffectFunction, EffectSpec } from '../effect-port.ts'
import type { CallId } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import type { EffectClaim } from '../replay/step-record.ts'
import { createItem, type Execution, type SeenEffect } from '../steps/execution.ts'
import type { TaintScope } from '../steps/taint-scope.ts'
import type { PendingCommit, Stage } from '../turns/stages.ts'
import { checkEffect } from './check-effect.ts'
import { callEffect, EffectTaint, reconcile } from './effect-code.ts'
import { forgetUncertain, markUncertain, shownInput } from './mark-uncertain.ts'
import type { UnrecordedOutcome } from './unrecorded-outcomes.ts'

/**
 * One effect of one execution. Its function runs in the async context of its call: callbacks that start the effect later
 * are bound to that context.
 */
interface Effect<Out> {
  readonly execution: Execution
  readonly stage: Stage
  readonly id: CallId
  readonly name: string
  readonly hash: string
  readonly key: string
  readonly spec: EffectSpec<Out>
  readonly fn: EffectFunction<Out>
  readonly claimed: boolean
  readonly scope: TaintScope
  /** The labels of the outcome: those of its specification, and those that its function adds. */
  taint: readonly TaintLabel[]
}

/** Enough hexadecimal digits of a SHA-256 that two different inputs do not have the same hash by chance. */
export const inputHash = (input: unknown, what: string): string => {
  if (input === undefined) return ''
  checkJson(input, what)
  return hashJson(input as Json).slice(0, 32)
}

export function runEffect<Out>(
  execution: Execution,
  stage: Stage,
  name: string,
  spec: EffectSpec<Out>,
  fn: EffectFunction<Out>,
  scope: TaintScope,
): Promise<Out> {
  checkEffect(name, spec, fn)
  const id = execution.counter.next(stage.path, {
    kind: 'effect',
    name: spec.key === undefined ? name : `${name}[${spec.key}]`,
  })
  const { userId } = execution.spec.principal
  // An effect that was claimed before, also in the run from which this one was forked, keeps its key.
  const derived = () => hashText(`${userId}\n${execution.spec.id}\n${id}`).slice(0, 40)
  const key = spec.key ?? execution.record.claims.get(id)?.key ?? derived()
  if (spec.class === 'pure')
    return tainted(
      execution.work(() =>
        callEffect({ execution, name, fn, key }, { taint: scope.taint, addTaint: (labels) => scope.add(labels) }),
      ),
      scope,
      spec.taint,
    )
  execution.options.seen?.set(id, seenEffect(spec))
  const hash = inputHash(spec.input, `The input of the effect ${name}`)
  const promise = execution.open(id, false, scope) as Promise<Out>
  const claimed = spec.class !== 'read' || spec.claim !== undefined
  const taint = spec.taint ?? []
  const effect: Effect<Out> = { execution, stage, id, name, hash, key, spec, fn, claimed, scope, taint }
  if (!fromRecord(effect)) execution.start(id, () => begin(effect))
  // An outcome that was recorded before its tool declared labels has them now, too.
  return tainted(promise, scope, taint)
}

function seenEffect<Out>({ undo, request }: EffectSpec<Out>): SeenEffect {
  return {
    ...(undo ? { undo: undo as NonNullable<SeenEffect['undo']> } : {}),
    ...(request ? { request: JSON.parse(JSON.stringify(request())) as Json } : {}),
  }
}

function tainted<Out>(promise: Promise<Out>, scope: TaintScope, labels: EffectSpec['taint']): Promise<Out> {
  if (!labels?.length) return promise
  const marked = promise.finally(() => scope.add(labels))
  marked.catch(() => {})
  return marked
}

/** Returns whether the record answers the effect or forbids it. */
function fromRecord<Out>({ execution, id, name, hash }: Effect<Out>): boolean {
  const { cursor, record } = execution
  const found = cursor.find(id)
  const claim = record.claims.get(id)
  execution.asked(id)
  const recorded = found?.hash ?? (claim?.outcome ? undefined : claim?.hash)
  if (recorded !== undefined && recorded !== hash) {
    execution.changed(`the effect ${name} (${id}) was recorded with another input`)
    return true
  }
  if (found) return true
  const retained = record.retained.get(id)
  if (!retained) return false
  if (retained.item.hash === hash) execution.reuse(id, retained)
  else if (retained.claimed) execution.fail(failure('effect.input', { effect: name, step: execution.spec.id }))
  else {
    record.retained.delete(id)
    return false
  }
  return true
}

function begin<Out>(effect: Effect<Out>): void {
  const { execution, id, spec, claimed } = effect
  const { pendingCommit } = effect.stage
  if (pendingCommit) return void beginAfterCommit(effect, pendingCommit)
  const claim = execution.record.claims.get(id)
  if (claim?.cleared) return void carryOutWhenCleared(effect, claim)
  const done = track(effect)
  const run = () => {
    const begun = spec.begun ? execution.record.claims.get(id) : undefined
    void execution.work(() => (begun ? recover(effect, begun) : perform(effect))).then(done)
  }
  if (claim && !claim.outcome) void execution.work(() => recover(effect, claim)).then(done)
  else if (!claimed) run()
  else {
    let rows: ReturnType<NonNullable<typeof spec.claim>> | undefined
    try {
      rows = spec.claim?.()
    } catch (thrown) {
      rejectEffect(effect, thrown)
      done()
      return
    }
    if (rows instanceof Promise) void askWhenReady(effect, rows, run, done)
    else askForClaim(effect, rows, run, done)
  }
}

async function askWhenReady<Out>(
  effect: Effect<Out>,
  rows: Promise<ClaimRows>,
  run: () => void,
  done: () => void,
): Promise<void> {
  const { execution } = effect
  try {
    const ready = await rows
    if (execution.isActive) return askForClaim(effect, ready, run, done)
  } catch (error) {
    if (execution.isActive) execution.raise({ on: 'broken', error })
  }
  done()
}

/**
 * The input may depend on what the commit contains: the effect is claimed with it, and does not begin if the commit is
 * rejected.
 */
function beginAfterCommit<Out>(effect: Effect<Out>, commit: PendingCommit): void {
  const done = track(effect)
  commit.behind.push(
    AsyncLocalStorage.bind(() => {
      if (effect.execution.isActive) begin(effect)
      done()
    }),
  )
}

/** Makes the step wait for the effect before it commits or ends, until the returned function is called. */
function track<Out>({ execution, stage }: Effect<Out>): () => void {
  const token = execution.effects.begin(stage)
  return () => {
    execution.effects.end(token)
    execution.options.port.advance()
  }
}

function carryOutWhenCleared<Out>(effect: Effect<Out>, claim: EffectClaim): void {
  if (claim.cleared === 'durable') carryOut(effect, claim)
  else
    effect.execution.cleared.set(
      effect.id,
      AsyncLocalStorage.bind(() => carryOut(effect, claim)),
    )
}

/** Carries out an effect whose resolution as not happened is durable. */
function carryOut<Out>(effect: Effect<Out>, claim: EffectClaim): void {
  claim.cleared = undefined
  if (effect.execution.isActive) void effect.execution.work(() => perform(effect)).then(track(effect))
}

function askForClaim<Out>(effect: Effect<Out>, rows: ClaimRows | undefined, run: () => void, done: () => void): void {
  const { execution, id, hash, key, spec } = effect
  const { granted, explain, ...fragment }: ClaimRows = rows ?? { statements: [] }
  const claim: EffectClaim = {
    hash,
    key,
    class: spec.class,
    ...(granted === undefined ? {} : { granted }),
    outcome: false,
    uncertain: false,
    cleared: undefined,
  }
  execution.record.claims.set(id, claim)
  execution.buffer.claim({
    text: entryText({ t: 'claim', id, h: hash, k: key, c: spec.class, ...shownInput(spec), g: granted }),
    fragment,
    explain,
    started: AsyncLocalStorage.bind(() => {
      if (execution.isActive) return run()
      release(effect)
      done()
    }),
    rejected(rejection) {
      execution.record.claims.delete(id)
      rejectEffect(effect, failure(rejection.code, { ...rejection.detail }))
      done()
    },
    dropped() {
      execution.record.claims.delete(id)
      done()
    },
  })
  execution.advance()
}

/** An effect that is stopped between its claim and its start is known not to have happened. */
function release<Out>({ execution, id, spec }: Effect<Out>): void {
  const error = failure('cancelled', { what: `The effect ${id}` })
  execution.buffer.add(entryText({ t: 'released', id }), spec.charge?.({ error }))
}

/** The effect never started: the rejection is its answer, and is determined again when a turn is repeated. */
function rejectEffect<Out>({ execution, id }: Effect<Out>, thrown: unknown): void {
  const error = storeError(thrown, execution.options.redact)
  if (!execution.isActive) return
  execution.answer(createItem('effect', id, { error, thrown }), { t: 'effect', id, r: true, e: error }, undefined)
}

async function perform<Out>(effect: Effect<Out>): Promise<void> {
  const { checkLease } = effect.execution.options
  const asked = checkLease?.()
  if (asked && !(await allowed(effect, asked))) return
  let output: Out
  try {
    const { granted } = effect.execution.record.claims.get(effect.id) ?? {}
    output = await callEffect(effect, new EffectTaint(effect), granted)
  } catch (thrown) {
    return failed(effect, thrown)
  }
  succeeded(effect, output)
}

/**
 * The lease of this process may have ended: it starts no outside effect before it knows that it still owns the step.
 */
async function allowed<Out>(effect: Effect<Out>, asked: Promise<void>): Promise<boolean> {
  const { execution, claimed } = effect
  try {
    await asked
    if (execution.isActive) return true
  } catch (error) {
    if (execution.isActive && error instanceof LeaseLostError) execution.raise({ on: 'headLost' })
    else if (execution.isActive) execution.raise({ on: 'broken', error })
  }
  if (claimed) release(effect)
  return false
}

/** @throws ValidationError `value.too_large` for a value that no record can contain */
export function checkSize(execution: Execution, text: string, what: string): void {
  const limit = execution.options.limits.valueBytes
  const bytes = Buffer.byteLength(text)
  if (bytes > limit) throw failure('value.too_large', { what, bytes, limit })
}

function succeeded<Out>(effect: Effect<Out>, output: Out | undefined): void {
  const { execution, id, name, hash, spec, claimed } = effect
  let text: string | undefined
  try {
    text = output === undefined ? undefined : encodeJson(output, `The result of the effect ${name}`)
    if (text !== undefined) checkSize(execution, text, `The result of the effect ${name}`)
  } catch (thrown) {
    failed(effect, thrown)
    return
  }
  const { taint } = effect
  noteUnrecorded(effect, { output, bytes: Buffer.byteLength(text ?? '') })
  const item = createItem('effect', id, { value: output as Json | undefined, hash, taint })
  const fields = { t: 'effect' as const, id, ...(claimed ? {} : { h: hash }), ...labelled(effect) }
  const fragment = spec.charge?.(output === undefined ? {} : { output })
  end(effect)
  execution.answer(item, fields, text, { durable: spec.class === 'at-most-once', fragment })
}

function failed<Out>(effect: Effect<Out>, unread: unknown): void {
  const thrown = toReadable(unread)
  const { execution, id, hash, spec, claimed } = effect
  // The end of this execution aborted the effect, so its outcome is unknown. The next execution repeats the effect, or if
  // its class forbids that, reports it as uncertain.
  const { aborted, reason } = execution.signal
  if (aborted && (spec.class !== 'at-most-once' || isInterruption(thrown, reason))) return
  const claim = execution.record.claims.get(id)
  if (claimed && claim && spec.class === 'at-most-once' && isUnknown(thrown)) {
    uncertain(effect, claim, storeError(thrown, execution.options.redact).message)
    return
  }
  const error = storeError(thrown, execution.options.redact)
  noteUnrecorded(effect, { thrown, bytes: Buffer.byteLength(JSON.stringify(error)) })
  const item = createItem('effect', id, { error, thrown, hash, taint: effect.taint })
  const fields = { t: 'effect' as const, id, ...(claimed ? {} : { h: hash }), e: error, ...labelled(effect) }
  const fragment = spec.charge?.({ error: thrown })
  end(effect)
  execution.answer(item, fields, undefined, { durable: spec.class === 'at-most-once', fragment })
}

function noteUnrecorded<Out>(
  { execution, id, key, spec, taint }: Effect<Out>,
  outcome: { readonly bytes: number } & ({ readonly output: unknown } | { readonly thrown: unknown }),
): void {
  if (spec.class === 'at-most-once') execution.unrecorded.note(id, { key, taint, ...outcome })
}

const labelled = ({ taint }: { readonly taint: readonly TaintLabel[] }) => (taint.length > 0 ? { l: taint } : {})

/** Returns whether an error is caused by the abort: the reason itself, or an error of cancellation. */
const isInterruption = (thrown: unknown, reason: unknown): boolean =>
  thrown === reason ||
  thrown instanceof CancelledError ||
  (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.cause === reason))

/** Returns true for the error of an effect that was sent and got no answer. */
const isUnknown = (thrown: unknown) => thrown instanceof TroupeError && thrown.code === 'outcome.unknown'

function end<Out>({ execution, id }: Effect<Out>): void {
  const claim = execution.record.claims.get(id)
  if (claim) claim.outcome = true
}

/** Continues an effect that an earlier execution or step claimed and whose outcome is not in the record. */
async function recover<Out>(effect: Effect<Out>, claim: EffectClaim): Promise<void> {
  const { execution, id, spec } = effect
  const known = execution.unrecorded.get(id)
  if (known?.key === claim.key) return recordKnown(effect, claim, known)
  const verdict = await reconcile(effect, claim.key)
  // A person may have resolved the effect meanwhile. That holds, unless `reconcile` knows that the effect happened.
  if (!execution.isActive || claim.outcome) return
  if (claim.cleared && (verdict === 'not' || verdict === 'unknown')) return carryOutWhenCleared(effect, claim)
  if (claim.uncertain && verdict !== 'unknown') forgetUncertain(execution, id, claim)
  if (typeof verdict === 'object') return succeeded(effect, verdict.output)
  if (verdict === 'happened') return succeeded(effect, undefined)
  // If the code declares another class now, the claim still has its class.
  const isAtMostOnce = spec.class === 'at-most-once' || claim.class === 'at-most-once'
  if (verdict === 'not' || !isAtMostOnce) return perform(effect)
  uncertain(effect, claim)
}

/** Records an outcome that an earlier execution in this process could not record. */
function recordKnown<Out>(effect: Effect<Out>, claim: EffectClaim, known: UnrecordedOutcome): void {
  effect.taint = known.taint
  if (claim.uncertain) forgetUncertain(effect.execution, effect.id, claim)
  if ('thrown' in known) failed(effect, known.thrown)
  else succeeded(effect, known.output as Out | undefined)
}

/** The effect waits for a person or program that finds out its outcome. */
function uncertain<Out>(effect: Effect<Out>, claim: EffectClaim, problem?: string): void {
  const { execution, id, name } = effect
  execution.uncertain.set(id, name)
  execution.cleared.set(
    id,
    AsyncLocalStorage.bind(() => carryOut(effect, claim)),
  )
  if (!claim.uncertain) markUncertain(effect, claim, problem)
  execution.cursor.setPassive(id, true)
  execution.advance()
}
