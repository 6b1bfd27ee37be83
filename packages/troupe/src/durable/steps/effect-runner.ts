/**
 * Effects: claimed before they start where their class asks for it, answered from the record, and never repeated where
 * nobody knows whether they happened.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  CancelledError,
  encodeJson,
  failure,
  hashJson,
  hashText,
  type Json,
  joinTaint,
  LeaseLostError,
  legible,
  storeError,
  type TaintLabel,
  TroupeError,
} from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { EffectCall, EffectFunction, EffectSpec, Reconciled } from '../effect-port.ts'
import type { CallId } from './call-identity.ts'
import { checkEffect } from './check-effect.ts'
import { createItem, type Life } from './life.ts'
import { entryText } from './log-entry.ts'
import { forgetUncertain, markUncertain } from './mark-uncertain.ts'
import type { Stage } from './stages.ts'
import type { Claim } from './step-log.ts'

/** One effect of one life. */
interface Effect<Out> {
  readonly life: Life
  readonly stage: Stage
  readonly id: CallId
  readonly name: string
  readonly hash: string
  readonly key: string
  readonly spec: EffectSpec<Out>
  readonly fn: EffectFunction<Out>
  readonly claimed: boolean
  /** It is begun by whatever used up the log; it works in the surroundings of its call. */
  readonly around: Around
  /** What its function says its outcome came with. */
  taint: readonly TaintLabel[]
}
type Around = ReturnType<typeof AsyncLocalStorage.snapshot>

/** Enough of a SHA-256 that two inputs never meet by chance. */
export const inputHash = (input: unknown, what: string): string => {
  if (input === undefined) return ''
  // Checked first: what JSON can't carry has no canonical form.
  encodeJson(input, what)
  return hashJson(input as Json).slice(0, 32)
}

export function runEffect<Out>(
  life: Life,
  stage: Stage,
  name: string,
  spec: EffectSpec<Out>,
  fn: EffectFunction<Out>,
): Promise<Out> {
  checkEffect(name, spec, fn)
  const id = life.counter.next(stage.path, {
    kind: 'effect',
    name: spec.key === undefined ? name : `${name}[${spec.key}]`,
  })
  const { userId } = life.options.host.spec.principal
  // Claimed before, also in the run that this one was forked from, it keeps its key.
  const derived = () => hashText(`${userId}\n${life.options.host.spec.id}\n${id}`).slice(0, 40)
  const key = spec.key ?? life.log.claims.get(id)?.key ?? derived()
  const around = AsyncLocalStorage.snapshot()
  if (spec.class === 'pure')
    return tainted(
      life.work(() => call({ life, name, fn, key, around }, (labels) => life.addTaint(labels))),
      life,
      spec.taint,
    )
  if (spec.undo) life.options.learned?.set(id, spec.undo as NonNullable<EffectSpec<unknown>['undo']>)
  const hash = inputHash(spec.input, `The input of the effect ${name}`)
  const promise = life.open(stage, id) as Promise<Out>
  const claimed = spec.class !== 'read' || spec.claim !== undefined
  const effect: Effect<Out> = { around, life, stage, id, name, hash, key, spec, fn, claimed, taint: [] }
  if (!fromRecord(effect)) life.start(id, () => begin(effect))
  return tainted(promise, life, spec.taint)
}

function tainted<Out>(promise: Promise<Out>, life: Life, labels: EffectSpec['taint']): Promise<Out> {
  if (!labels?.length) return promise
  const marked = promise.finally(() => life.addTaint(labels))
  marked.catch(() => {})
  return marked
}

/** @returns whether the record answers it, or forbids it */
function fromRecord<Out>({ life, id, name, hash }: Effect<Out>): boolean {
  const { delivery, log } = life
  const found = delivery.find(id)
  const claim = log.claims.get(id)
  if (claim) claim.asked = true
  const recorded = found?.hash ?? (claim?.outcome ? undefined : claim?.hash)
  if (recorded !== undefined && recorded !== hash) {
    life.changed(`the effect ${name} (${id}) was recorded with another input`)
    return true
  }
  if (found) return true
  const kept = log.kept.get(id)
  if (!kept) return false
  if (kept.item.hash === hash) life.again(id, kept)
  else if (kept.claimed)
    life.options.host.fail(failure('effect.input', { effect: name, step: life.options.host.spec.id }))
  else {
    log.kept.delete(id)
    return false
  }
  return true
}

function begin<Out>(effect: Effect<Out>): void {
  const { life, id, spec, claimed } = effect
  // Entered again it begins then; here nothing asks for its answer any more.
  if (life.draining) return
  const { behind } = effect.stage
  if (behind) return void beginBehind(effect, behind)
  const claim = life.log.claims.get(id)
  if (claim?.cleared) return void claim.cleared.then(() => carryOut(effect, claim))
  const done = track(effect)
  const run = () => void life.work(() => perform(effect)).then(done)
  if (claim && !claim.outcome) void life.work(() => recover(effect, claim)).then(done)
  else if (!claimed) run()
  else {
    let fragment: Fragment | undefined
    try {
      fragment = spec.claim?.()
    } catch (thrown) {
      refuse(effect, thrown)
      done()
      return
    }
    askForClaim(effect, fragment, run, done)
  }
}

/** Its input may come of what the commit holds: claimed with it, it does not begin where the commit is refused. */
function beginBehind<Out>(effect: Effect<Out>, commit: Promise<void>): void {
  const done = track(effect)
  void commit.then(() => {
    if (!effect.life.dead) begin(effect)
    done()
  })
}

/** The step waits for it before it commits or ends, until the function returned is called. */
function track<Out>({ life, stage }: Effect<Out>): () => void {
  const outcome = Promise.withResolvers<void>()
  life.running.set(outcome.promise, stage)
  return () => {
    life.running.delete(outcome.promise)
    outcome.resolve()
    if (!life.dead) life.options.host.quiet()
  }
}

/** It is durable that the effect did not happen. */
function carryOut<Out>(effect: Effect<Out>, claim: Claim): void {
  claim.cleared = undefined
  if (!effect.life.dead) void effect.life.work(() => perform(effect)).then(track(effect))
}

function askForClaim<Out>(
  effect: Effect<Out>,
  fragment: Fragment | undefined,
  run: () => void,
  done: () => void,
): void {
  const { life, id, hash, key, spec } = effect
  const claim: Claim = {
    hash,
    key,
    class: spec.class,
    outcome: false,
    uncertain: false,
    asked: true,
    cleared: undefined,
  }
  life.log.claims.set(id, claim)
  life.appender.claim({
    text: entryText({ t: 'claim', id, h: hash, k: key, c: spec.class }),
    fragment,
    started() {
      if (!life.dead) return run()
      release(effect)
      done()
    },
    refused(refusal) {
      life.log.claims.delete(id)
      refuse(effect, failure(refusal.code, { ...refusal.detail }))
      done()
    },
    dropped() {
      life.log.claims.delete(id)
      done()
    },
  })
}

/** Stopped between its claim and its start: known not to have happened. */
function release<Out>({ life, id, spec }: Effect<Out>): void {
  const error = failure('cancelled', { what: `The effect ${id}` })
  life.appender.add(entryText({ t: 'released', id }), spec.settle?.({ error }))
}

/** It never started: the refusal is its answer, and is asked for again where a turn is repeated. */
function refuse<Out>({ life, id }: Effect<Out>, thrown: unknown): void {
  const error = storeError(thrown, life.options.redact)
  if (life.dead) return
  life.record(createItem('effect', id, { error }), { t: 'effect', id, r: true, e: error }, undefined)
}

async function perform<Out>(effect: Effect<Out>): Promise<void> {
  const { mayAct } = effect.life.options
  const asked = mayAct?.()
  if (asked && !(await allowed(effect, asked))) return
  let output: Out
  try {
    output = await call(effect, (labels) => {
      effect.taint = joinTaint(effect.taint, labels)
    })
  } catch (thrown) {
    return failed(effect, thrown)
  }
  succeeded(effect, output)
}

/** This process was not heard of, by itself even: it begins nothing outside before it knows that the step is still its own. */
async function allowed<Out>(effect: Effect<Out>, asked: Promise<void>): Promise<boolean> {
  const { life, claimed } = effect
  try {
    await asked
    if (!life.dead) return true
  } catch (error) {
    if (!life.dead && error instanceof LeaseLostError) life.options.host.lost()
    else if (!life.dead) life.options.host.broken(error)
  }
  if (claimed) release(effect)
  return false
}

/** `ctx` is refused inside, and the function sees the abort of the step. */
async function call<Out>(
  effect: Pick<Effect<Out>, 'around' | 'life' | 'name' | 'fn' | 'key'>,
  taint: EffectCall['taint'],
): Promise<Out> {
  const { around, life, name, fn, key } = effect
  const given: EffectCall = { key, taint, signal: life.signal }
  return around(() => life.options.inside.run({ life, effect: name }, async () => fn(given)))
}

/** @throws ValidationError `value.too_large` for what no record can hold */
export function checkSize(life: Life, text: string, what: string): void {
  const limit = life.options.limits.valueBytes
  const bytes = Buffer.byteLength(text)
  if (bytes > limit) throw failure('value.too_large', { what, bytes, limit })
}

function succeeded<Out>(effect: Effect<Out>, output: Out | undefined): void {
  const { life, id, name, hash, spec, claimed } = effect
  let text: string | undefined
  try {
    text = output === undefined ? undefined : encodeJson(output, `The result of the effect ${name}`)
    if (text !== undefined) checkSize(life, text, `The result of the effect ${name}`)
  } catch (thrown) {
    failed(effect, thrown)
    return
  }
  const { taint } = effect
  const item = createItem('effect', id, { value: output as Json | undefined, hash, taint })
  const fields = { t: 'effect' as const, id, ...(claimed ? {} : { h: hash }), ...labelled(effect) }
  const fragment = spec.settle?.(output === undefined ? {} : { output })
  end(effect)
  life.record(item, fields, text, { durable: spec.class === 'once', fragment })
}

function failed<Out>(effect: Effect<Out>, unread: unknown): void {
  const thrown = legible(unread)
  const { life, id, hash, spec, claimed } = effect
  // Broken off by the end of this life, not failed by itself: nobody knows what became of it. Entered again, it is tried
  // again, or where that may not be it is uncertain.
  const { aborted, reason } = life.signal
  if (aborted && (spec.class !== 'once' || isBrokenOff(thrown, reason))) return
  const claim = life.log.claims.get(id)
  if (claimed && claim && spec.class === 'once' && isUnknown(thrown)) {
    uncertain(effect, claim)
    return
  }
  const error = storeError(thrown, life.options.redact)
  const item = createItem('effect', id, { error, hash, taint: effect.taint })
  const fields = { t: 'effect' as const, id, ...(claimed ? {} : { h: hash }), e: error, ...labelled(effect) }
  const fragment = spec.settle?.({ error: thrown })
  end(effect)
  life.record(item, fields, undefined, { durable: spec.class === 'once', fragment })
}

const labelled = ({ taint }: { readonly taint: readonly TaintLabel[] }) => (taint.length > 0 ? { l: taint } : {})

/** It threw because it was told to stop: the reason itself, or an error of stopping. */
const isBrokenOff = (thrown: unknown, reason: unknown): boolean =>
  thrown === reason ||
  thrown instanceof CancelledError ||
  (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.cause === reason))

/** It was sent out, and no answer came. */
const isUnknown = (thrown: unknown) => thrown instanceof TroupeError && thrown.code === 'outcome.unknown'

function end<Out>({ life, id }: Effect<Out>): void {
  const claim = life.log.claims.get(id)
  if (claim) claim.outcome = true
}

/** It was claimed in an earlier life, and its outcome is not in the record. */
async function recover<Out>(effect: Effect<Out>, claim: Claim): Promise<void> {
  const { life, id, spec } = effect
  const verdict = await reconcile(effect, claim)
  if (life.dead) return
  if (claim.uncertain && verdict !== 'unknown') forgetUncertain(life, id)
  if (typeof verdict === 'object') return succeeded(effect, verdict.output)
  if (verdict === 'happened') return succeeded(effect, undefined)
  // Code that has another class for it by now does not undo what was claimed.
  const once = spec.class === 'once' || claim.class === 'once'
  if (verdict === 'not' || !once) return perform(effect)
  uncertain(effect, claim)
}

/** It waits for somebody who finds out. */
function uncertain<Out>(effect: Effect<Out>, claim: Claim): void {
  const { life, id, name } = effect
  const rerun = () => void claim.cleared?.then(() => carryOut(effect, claim))
  life.uncertain.set(id, { effect: name, rerun })
  if (!claim.uncertain) markUncertain(life, id, name)
  claim.uncertain = true
  life.delivery.setPassive(id, true)
}

/** Who can't be asked does not know. */
async function reconcile<Out>({ life, name, spec }: Effect<Out>, claim: Claim): Promise<Reconciled<Out>> {
  if (!spec.reconcile) return 'unknown'
  try {
    const { reconcile: ask } = spec
    return await life.options.inside.run({ life, effect: name }, async () => ask(claim.key))
  } catch {
    return 'unknown'
  }
}
