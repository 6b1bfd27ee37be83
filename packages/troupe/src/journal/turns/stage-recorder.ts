/** The recorder of one stage. It passes each call on to the responsible part of the step. */
import {
  encodeJson,
  failure,
  isEnvironmentFailure,
  type Json,
  type Principal,
  type Provenance,
  type Recordable,
  runWithStepTaint,
  type StoredError,
  storeError,
  type TaintLabel,
  type TroupeError,
} from '../../core/index.ts'
import type { EffectFunction, EffectSpec } from '../effect-port.ts'
import { runEffect } from '../effects/run-effect.ts'
import type { CallName, Recorder, ScopedRecorder, StagedWrite, Wait } from '../recorder-port.ts'
import { answer, answerNow } from '../replay/answer.ts'
import { type CallId, isWithin, stageOf } from '../replay/call-id.ts'
import { bodyCall } from '../replay/step-record.ts'
import { createItem, type Execution } from '../steps/execution.ts'
import { traceOf } from '../steps/observed-step.ts'
import { TaintScope } from '../steps/taint-scope.ts'
import { waitHash } from '../steps/waits.ts'
import { Stage } from './stages.ts'
import type { Turn } from './turn.ts'

export class StageRecorder implements Recorder {
  readonly #execution: Execution
  readonly #turn: Turn
  readonly #stage: Stage
  readonly #scope: TaintScope

  constructor(execution: Execution, turn: Turn, stage: Stage, scope = execution.scope) {
    this.#execution = execution
    this.#turn = turn
    this.#stage = stage
    this.#scope = scope
  }

  get step(): string {
    return this.#execution.spec.id
  }

  get principal(): Principal {
    return this.#execution.spec.principal
  }

  get runId(): string | undefined {
    return this.#execution.spec.runId
  }

  get provenance(): Provenance {
    const { principal, step: stepId, runId } = this
    const trace = traceOf(this.#execution.spec)
    const { path } = this.#stage
    const within = { ...(runId === undefined ? {} : { runId }), ...(path === '' ? {} : { effectId: path }) }
    return { agent: principal.name, stepId, trace, ...within }
  }

  get signal(): AbortSignal {
    return this.#execution.signal
  }

  dropWhenParked(): void {
    this.#execution.staysWhenParked = false
  }

  get taint(): readonly TaintLabel[] {
    return this.#scope.taint
  }

  addTaint(labels: readonly TaintLabel[], source?: string): void {
    this.#scope.add(labels, source)
  }

  taintSource(label: TaintLabel): string | undefined {
    return this.#scope.sourceOf(label)
  }

  clearTaint(): void {
    this.#scope.clear()
  }

  scoped(labels: readonly TaintLabel[] = []): ScopedRecorder {
    const scope = new TaintScope(labels, this.#scope)
    const recorder = new StageRecorder(this.#execution, this.#turn, this.#stage, scope)
    return {
      recorder,
      labels: () => scope.own,
      leave: (passedOn) => {
        for (const label of passedOn) this.#scope.add([label], scope.sourceOf(label))
      },
    }
  }

  clientCall<T>(run: () => Promise<T>): Promise<T> {
    return this.#stage.clientCall(run)
  }

  answer<T>(call: CallName, ask: () => Recordable<T> | Promise<Recordable<T>>): Promise<T> {
    return this.#call(() => answer(this.#execution, this.#stage, call, ask))
  }

  answerNow<T>(call: CallName, ask: () => Recordable<T>): T {
    this.#check()
    return answerNow(this.#execution, this.#stage, call, ask)
  }

  effect<Out>(name: string, spec: EffectSpec<Out>, fn: EffectFunction<Out>): Promise<Out> {
    return this.#call(() => runEffect(this.#execution, this.#stage, name, spec, fn, this.#scope))
  }

  stage(write: StagedWrite): boolean {
    this.#check()
    const id = this.#execution.counter.next(this.#stage.path, write.call)
    if (this.#execution.askedForWrite(id)) return false
    this.#stage.parts.push({ id, write })
    this.#execution.raise({ on: 'called' })
    return true
  }

  markStale(error: TroupeError): void {
    this.#execution.stale.add(error)
  }

  commit(): Promise<void> {
    return this.#call(() => this.#turn.commit(this.#stage))
  }

  work<T>(run: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    void this.#execution.work(run).then(resolve, (error: unknown) => {
      if (!isEnvironmentFailure(error)) reject(error)
      // The code gets no answer: it would record a failure that it did not cause.
      else if (this.#execution.isActive) this.#execution.raise({ on: 'broken', error })
    })
    return promise
  }

  wait(wait: Wait): Promise<Json> {
    return this.#call(() => this.#turn.wait(this.#stage, wait, this.#scope))
  }

  recordOfWait(call: CallName, input: () => Json): 'recorded' | 'passed' | 'new' {
    const { counter, cursor, record } = this.#execution
    const { path } = this.#stage
    const known = record.waits.get(counter.peek(path, call))
    if (known) return known.hash === waitHash(call, input()) ? 'recorded' : 'passed'
    const hasMoreIn = (ids: Iterable<CallId>) => {
      for (const id of ids) if (isWithin(stageOf(id), path)) return true
      return false
    }
    const answers = cursor.usedUp ? [] : cursor.remaining.map(({ id }) => id)
    return [answers, record.unasked, record.writes].some(hasMoreIn) ? 'passed' : 'new'
  }

  onCommitted(listener: (committed: readonly StagedWrite[]) => void): void {
    this.#stage.listeners.push(listener)
  }

  body<Out extends Json>(stage: string, run: (recorder: Recorder) => Promise<Out>): Promise<Out> {
    return this.#call(() => {
      const execution = this.#execution
      const path = execution.counter.child(this.#stage.path, stage)
      const call = bodyCall(path)
      const logged = execution.cursor.find(call)
      const promise = execution.open(call, true, this.#scope) as Promise<Out>
      if (logged?.ready) return promise
      const inner = new Stage(path, this.#stage)
      void this.#run(inner, run)
      return promise
    })
  }

  async #run<Out extends Json>(inner: Stage, run: (recorder: Recorder) => Promise<Out>): Promise<void> {
    const execution = this.#execution
    const call = bodyCall(inner.path)
    const recorder = new StageRecorder(execution, this.#turn, inner, this.#scope)
    let item: ReturnType<typeof createItem>
    let result: { readonly text: string } | { readonly error: StoredError }
    try {
      const value = (await runWithStepTaint(recorder, () => run(recorder))) ?? null
      if (inner.hasClientCalls) await inner.clientCallsEnded()
      const text = encodeJson(value, `The result of ${inner.path}`)
      item = createItem('body', call, { value })
      result = { text }
    } catch (thrown) {
      const error = storeError(thrown, this.#execution.options.redact)
      item = createItem('body', call, { error, thrown })
      result = { error }
      inner.discard()
    }
    if (!execution.isActive) return
    inner.running = false
    inner.result = { call, item, text: bodyText(result, this.#scope.own) }
    const logged = execution.cursor.find(call)
    if (!logged) return execution.extend(call, () => execution.answer(item, { t: 'body', id: call }, undefined))
    logged.value = item.value
    logged.error = item.error
    execution.ready(logged)
  }

  #check(): void {
    this.#execution.check()
    if (this.#stage.over) throw failure('step.over', { step: `${this.step}, tool call ${this.#stage.path},` })
  }

  /** Rejects a call that is not allowed now by its promise, like other errors of the call. */
  #call<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#execution.isActive) return this.#execution.afterwards()
    try {
      this.#check()
      return run()
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/**
 * Calls inside a body are not made again once its result is recorded: the labels of what it read are part of the
 * result.
 */
function bodyText(
  result: { readonly text: string } | { readonly error: StoredError },
  taint: readonly TaintLabel[],
): string {
  const labels = taint.length > 0 ? `,"l":${JSON.stringify(taint)}` : ''
  return 'text' in result ? `{"v":${result.text}${labels}}` : `{"e":${JSON.stringify(result.error)}${labels}}`
}
