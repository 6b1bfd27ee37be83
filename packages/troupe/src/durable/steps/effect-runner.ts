/**
 * Effects: claimed before they start where their class asks for it, answered from the record, and never repeated where
 * nobody knows whether they happened.
 */
import { CancelledError, encodeJson, failure, hashJson, hashText, type Json, storeError } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { EffectCall, EffectFunction, EffectSpec, Reconciled } from '../effect-port.ts'
import type { CallId } from './call-identity.ts'
import { createItem, type Life } from './life.ts'
import { entryText } from './log-entry.ts'
import { forgetUncertain, markUncertain } from './mark-uncertain.ts'
import type { Stage } from './stages.ts'
import type { Claim } from './step-log.ts'

/** One effect of one life. */
interface Effect<Out> {
  readonly life: Life
  readonly id: CallId
  readonly name: string
  readonly hash: string
  readonly key: string
  readonly spec: EffectSpec<Out>
  readonly fn: EffectFunction<Out>
  readonly claimed: boolean
}

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
  const id = life.counter.next(stage.path, {
    kind: 'effect',
    name: spec.key === undefined ? name : `${name}[${spec.key}]`,
  })
  const { userId } = life.options.host.spec.principal
  const key = spec.key ?? hashText(`${userId}\n${life.options.host.spec.id}\n${id}`).slice(0, 40)
  if (spec.class === 'pure')
    return tainted(
      life.work(() => call({ life, name, fn, key })),
      life,
      spec.taint,
    )
  if (spec.undo) life.options.learned?.set(id, spec.undo as NonNullable<EffectSpec<unknown>['undo']>)
  const hash = inputHash(spec.input, `The input of the effect ${name}`)
  const promise = life.open(stage, id) as Promise<Out>
  const effect = { life, id, name, hash, key, spec, fn, claimed: spec.class !== 'read' || spec.claim !== undefined }
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
  const claim = life.log.claims.get(id)
  if (claim?.cleared) return void claim.cleared.then(() => carryOut(effect, claim))
  const done = track(life)
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

/** The step waits for it before it commits or ends, until the function returned is called. */
function track(life: Life): () => void {
  const outcome = Promise.withResolvers<void>()
  life.running.add(outcome.promise)
  return () => {
    life.running.delete(outcome.promise)
    outcome.resolve()
    if (!life.dead) life.options.host.quiet()
  }
}

/** It is durable that the effect did not happen. */
function carryOut<Out>(effect: Effect<Out>, claim: Claim): void {
  claim.cleared = undefined
  if (!effect.life.dead) void effect.life.work(() => perform(effect)).then(track(effect.life))
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
  const error = storeError(thrown)
  if (life.dead) return
  life.record(createItem('effect', id, { error }), { t: 'effect', id, r: true, e: error }, undefined)
}

async function perform<Out>(effect: Effect<Out>): Promise<void> {
  let output: Out
  try {
    output = await call(effect)
  } catch (thrown) {
    return failed(effect, thrown)
  }
  succeeded(effect, output)
}

/** `ctx` is refused inside, and the function sees the abort of the step. */
async function call<Out>({ life, name, fn, key }: Pick<Effect<Out>, 'life' | 'name' | 'fn' | 'key'>): Promise<Out> {
  const given: EffectCall = {
    key,
    get signal() {
      return life.signal
    },
  }
  return life.options.inside.run({ life, effect: name }, async () => fn(given))
}

function succeeded<Out>(effect: Effect<Out>, output: Out | undefined): void {
  const { life, id, name, hash, spec, claimed } = effect
  let text: string | undefined
  try {
    text = output === undefined ? undefined : encodeJson(output, `The result of the effect ${name}`)
    const limit = life.options.limits.valueCharacters
    if (text !== undefined && text.length > limit)
      throw failure('validation.failed', {
        what: `The result of the effect ${name}`,
        problem: `it has more than ${limit} characters`,
      })
  } catch (thrown) {
    failed(effect, thrown)
    return
  }
  const item = createItem('effect', id, { value: output as Json | undefined, hash })
  const fields = claimed ? { t: 'effect' as const, id } : { t: 'effect' as const, id, h: hash }
  const fragment = spec.settle?.(output === undefined ? {} : { output })
  end(effect)
  life.record(item, fields, text, { durable: spec.class === 'once', fragment })
}

function failed<Out>(effect: Effect<Out>, thrown: unknown): void {
  const { life, id, hash, spec, claimed } = effect
  // Broken off by the end of this life, not failed by itself: nobody knows what became of it. Entered again, it is tried
  // again, or where that may not be it is uncertain.
  if (life.dead && (spec.class !== 'once' || isBrokenOff(thrown, life.signal.reason))) return
  const error = storeError(thrown)
  const item = createItem('effect', id, { error, hash })
  const fields = { t: 'effect' as const, id, ...(claimed ? {} : { h: hash }), e: error }
  const fragment = spec.settle?.({ error: thrown })
  end(effect)
  life.record(item, fields, undefined, { durable: spec.class === 'once', fragment })
}

/** It threw because it was told to stop: the reason itself, or an error of stopping. */
const isBrokenOff = (thrown: unknown, reason: unknown): boolean =>
  thrown === reason ||
  thrown instanceof CancelledError ||
  (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.cause === reason))

function end<Out>({ life, id }: Effect<Out>): void {
  const claim = life.log.claims.get(id)
  if (claim) claim.outcome = true
}

/** It was claimed in an earlier life, and its outcome is not in the record. */
async function recover<Out>(effect: Effect<Out>, claim: Claim): Promise<void> {
  const { life, id, name, spec } = effect
  const verdict = await reconcile(effect, claim)
  if (life.dead) return
  if (claim.uncertain && verdict !== 'unknown') forgetUncertain(life, id)
  if (typeof verdict === 'object') return succeeded(effect, verdict.output)
  if (verdict === 'happened') return succeeded(effect, undefined)
  if (verdict === 'not' || spec.class !== 'once') return perform(effect)
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
