/**
 * A delivery, or a batch of them, handled as one durable step: what the handler stages commits with the acknowledgement.
 * What comes back after a crash or a failure of the storage goes on with the same step: its recorded effects are not done
 * again. What comes back because the handler failed begins a new one for each message, in which an effect that was done
 * under a key of its own is answered from the try before.
 */

import type { ContextHands } from '../context/index.ts'
import {
  type Clock,
  failure,
  type Json,
  parse,
  type Random,
  type StoredError,
  storeError,
  TroupeError,
  taintField,
} from '../core/index.ts'
import type { EffectSpec, Inbox, OutsideFunction, Recorder, StepEnd, StepSpec, Steps } from '../durable/index.ts'
import { backoffDelay } from '../resilience/index.ts'
import { isJoined, type TaintedAct, type TaintGuard } from '../security/index.ts'
import type { Fragment } from '../storage/index.ts'
import { checkReply, Delivered } from './delivered.ts'
import { EarlierTries } from './earlier-tries.ts'
import { failedKeptMs, handledStep, perhapsDone, type Try, tryNames } from './handled-step.ts'
import type { MessageHands } from './message-hands.ts'
import type { MessageType } from './message-type.ts'
import type { HandlerContext } from './worker.ts'

export interface HandlingParts {
  readonly user: string
  readonly agent: string
  readonly clock: Clock
  readonly random: Random
  readonly steps: Steps
  readonly inbox: Pick<Inbox, 'onArrival'>
  readonly leaseMs: number
  /** Of the journal of a handled message. */
  readonly retentionMs: number
  readonly attempts: number
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
  readonly guard: TaintGuard
  readonly contextOf: (recorder: Recorder) => ContextHands
  readonly messagesOf: (recorder: Recorder) => MessageHands
  /** Told of every failure, before the delivery goes back. */
  readonly failed: (error: unknown, delivered: Delivered) => void
  /** Told when a handler came to a good end. */
  readonly succeeded?: () => void
  /** Told once of a handler that is at work for so long, and neither ends nor waits for others. */
  readonly hang?: { readonly afterMs: number; readonly told: (delivered: Delivered) => void } | undefined
}

/** Deliveries that are handled together; one, except for batch handlers. */
export interface Job {
  readonly deliveries: readonly Delivered[]
  /** Of the reply; with several deliveries nobody is answered. */
  readonly type: MessageType | undefined
  readonly handle: (ctx: HandlerContext) => unknown
}

export class Handling {
  readonly #parts: HandlingParts
  readonly #earlier: EarlierTries
  readonly #awaited = new Map<string, () => void>()
  readonly #stopArrivals: () => void
  readonly #atWork = new Set<AbortController>()
  #stopping = false
  #halted = false
  #wakeParked: (() => void)[] = []

  constructor(parts: HandlingParts) {
    this.#parts = parts
    this.#earlier = new EarlierTries(parts)
    this.#stopArrivals = parts.inbox.onArrival((user, journal) => {
      if (user === parts.user) this.#awaited.get(journal)?.()
    })
  }

  /** Handlers that wait for an answer are let go: they go on where they stand when the worker is started again. */
  stop(): void {
    this.#stopping = true
    for (const wake of this.#wakeParked.splice(0)) wake()
  }
  /** What is at work is ended: what it does from now on is refused, and its messages are free for whoever comes. */
  halt(): void {
    this.#halted = true
    for (const lost of this.#atWork) lost.abort(this.#cancelled())
  }
  close(): void {
    this.#stopArrivals()
  }
  #cancelled = () => failure('cancelled', { what: `Handling a message as ${this.#parts.agent}` })

  /** Never rejects: what goes wrong stays with the delivery. */
  async run(job: Job): Promise<void> {
    const lost = new AbortController()
    this.#atWork.add(lost)
    if (this.#halted) lost.abort(this.#cancelled())
    const stopRenewing = this.#renew(job, lost)
    let thrown: { readonly error: unknown } | undefined
    const program = async (recorder: Recorder): Promise<Json> => {
      thrown = undefined
      try {
        return { value: await this.#handle(job, recorder) }
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      if (!(await this.#mayBegin(job))) return
      const end = await this.#carryOut(job, this.#spec(job, lost.signal), program)
      const gone = lost.signal.aborted && !this.#halted
      // What is kept in memory of a step that waits is of this worker: whoever gets it next enters anew.
      if (end.status === 'parked') lost.abort(this.#cancelled())
      if (!gone) await this.#after(job, end, () => thrown?.error)
    } catch (error) {
      await this.#giveBack(job, error)
    } finally {
      stopRenewing()
      this.#atWork.delete(lost)
    }
  }

  /** A failure here is none of the handler, which was not entered: its messages are let go as they are. */
  async #mayBegin(job: Job): Promise<boolean> {
    const { deliveries } = job
    try {
      if (await this.#placed(job)) return true
    } catch (error) {
      if (!isLost(error)) for (const delivered of deliveries) this.#parts.failed(error, delivered)
      await letGo(deliveries)
    }
    return false
  }
  /** Says in which batch its messages are, so that they are gone on with together after a crash. */
  async #placed(job: Job): Promise<boolean> {
    const { deliveries } = job
    const [delivered] = deliveries
    if (deliveries.length === 1 && delivered) {
      const problem = await this.#earlier.leaveBatch(delivered)
      if (problem !== undefined) await this.#bury(job, problem)
      return problem === undefined
    }
    const step = stepOf(deliveries)
    if (deliveries.every(({ batch }) => batch?.step === step)) return true
    const isNew = deliveries.every(({ batch }) => batch === undefined)
    if (isNew) await Delivered.joinBatch(deliveries, step)
    // Some of its batch were refused just now: the others are handled alone.
    else await letGo(deliveries)
    return isNew
  }

  #spec({ deliveries }: Job, signal: AbortSignal): StepSpec {
    const { type = '', provenance } = deliveries[0]?.message ?? {}
    const trace = provenance?.trace
    const { retentionMs } = this.#parts
    return {
      ...(trace === undefined ? {} : { traceId: trace.traceId, parentSpan: trace.spanId }),
      about: { messageType: type },
      id: stepOf(deliveries),
      principal: { userId: this.#parts.user, kind: 'agent', name: this.#parts.agent },
      input: tryNames(triesOf(deliveries)),
      signal,
      kept: { settledMs: retentionMs, failedMs: failedKeptMs(retentionMs) },
      settled: (end, taint) => {
        const error = isFailure(end) ? end.error : undefined
        const value = error ? undefined : (end as { readonly value: Json }).value
        return joined(
          // From the last to the first, so that each of a failed batch has its own failure counted.
          [...deliveries]
            .reverse()
            .flatMap((delivered) =>
              error
                ? [this.#failedFragment(delivered, error)]
                : [
                    delivered.ackFragment({ value: value ?? null, ...taintField(taint) }),
                    this.#earlier.forget(delivered),
                  ],
            ),
        )
      },
    }
  }
  #isLast(delivered: Delivered, error: StoredError): boolean {
    return delivered.attempt >= this.#parts.attempts || error.name === 'CriticalError'
  }
  #failedFragment(delivered: Delivered, error: StoredError): Fragment {
    const reason = reasonOf(error)
    if (this.#isLast(delivered, error)) return delivered.buryFragment(reason)
    return delivered.nackFragment(backoffDelay(this.#parts.backoff, delivered.attempt, this.#parts.random), reason)
  }

  async #handle({ deliveries, type, handle }: Job, recorder: Recorder): Promise<Json> {
    const { clock, random } = this.#parts
    for (const { message } of deliveries) recorder.addTaint(message.taint)
    const done = await this.#earlier.done(deliveries)
    // Recorded: a handler that looks at it takes the same way when it is entered again after a crash.
    const attempt = recorder.answerNow({ kind: 'attempt', name: '' }, () =>
      Math.max(...deliveries.map((delivered) => delivered.attempt)),
    )
    const ctx: HandlerContext = {
      agent: this.#parts.agent,
      attempt,
      signal: recorder.signal,
      context: this.#parts.contextOf(recorder),
      messages: this.#parts.messagesOf(recorder),
      effect: (name, spec, fn) => {
        const before = spec?.key === undefined ? undefined : done.get(`${name}[${spec.key}]`)
        // Giving the answer may be repeated, whatever the effect itself may.
        if (before)
          return recorder.effect(name, { ...spec, class: 'idempotent' }, ({ taint }) => {
            taint(before.taint ?? [])
            return before.output as never
          })
        return this.#effect(recorder, name, spec, fn)
      },
      declassify: async (value, reason) => {
        const taint = recorder.answerNow({ kind: 'declassify', name: reason.slice(0, 200) }, () => {
          this.#parts.guard.declassified(this.#act(recorder, `declassify: ${reason.slice(0, 200)}`))
          return [...recorder.taint]
        })
        if (taint.length > 0) recorder.clearTaint()
        return value
      },
      commit: () => recorder.commit(),
      now: () => recorder.answerNow({ kind: 'now', name: '' }, () => clock.now()),
      random: () => recorder.answerNow({ kind: 'random', name: '' }, () => random.next()),
    }
    const returned = await handle(ctx)
    const [delivered] = deliveries
    if (deliveries.length !== 1 || !delivered?.expectsReply) return null
    const what = `The reply to ${delivered.message.type}`
    const value = type?.reply ? await parse(type.reply, returned ?? null, what) : (returned ?? null)
    checkReply(value, delivered.message.type)
    return value as Json
  }

  #act({ taint }: Recorder, action: string): TaintedAct {
    return { userId: this.#parts.user, agent: this.#parts.agent, action, taint }
  }

  /** A handler has nobody to ask: where an approval would be needed, it is refused. */
  async #effect<Out>(recorder: Recorder, name: string, spec: EffectSpec<Out>, fn: OutsideFunction<Out>): Promise<Out> {
    const { guard } = this.#parts
    const act = this.#act(recorder, name)
    const outside = spec?.class === 'idempotent' || spec?.class === 'once'
    if (outside && isJoined(act.taint)) {
      const verdict = recorder.answerNow({ kind: 'policy', name: `effect ${name}` }, () => {
        const said = guard.judge(act)
        if (said === 'approve') guard.denied(act)
        return said
      })
      if (verdict !== 'go') throw guard.refusal(act)
    }
    return recorder.effect(name, spec, (call) => {
      const fetch = guard.fetchFor(act, { agreed: outside, mark: call.taint })
      return fn({ key: call.key, signal: call.signal, taint: call.taint, fetch })
    })
  }

  async #carryOut(job: Job, spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd> {
    try {
      for (;;) {
        let arrived = false
        let wake: (() => void) | undefined
        this.#awaited.set(spec.id, () => {
          arrived = true
          wake?.()
        })
        const end = await this.#minded(job, this.#parts.steps.execute(spec, program))
        if (end.status !== 'parked' || this.#stopping || spec.signal?.aborted) return end
        if (!arrived)
          await new Promise<void>((resolve) => {
            wake = resolve
            this.#wakeParked.push(resolve)
            spec.signal?.addEventListener('abort', () => resolve(), { once: true })
          })
        if (this.#stopping) return end
      }
    } finally {
      this.#awaited.delete(spec.id)
    }
  }

  async #minded(job: Job, ending: Promise<StepEnd>): Promise<StepEnd> {
    const { clock, hang } = this.#parts
    const [delivered] = job.deliveries
    if (!hang || !delivered) return ending
    const cancel = clock.after(hang.afterMs, () => hang.told(delivered), { background: true })
    try {
      return await ending
    } finally {
      cancel()
    }
  }

  async #after(job: Job, end: StepEnd, thrown: () => unknown): Promise<void> {
    switch (end.status) {
      case 'settled':
        for (const delivered of job.deliveries) delivered.settled('acknowledged')
        this.#parts.succeeded?.()
        return
      case 'failed':
        for (const delivered of job.deliveries) {
          this.#parts.failed(thrown() ?? end.error, delivered)
          delivered.settled(this.#isLast(delivered, end.error) ? 'dead' : 'returned')
        }
        return
      case 'uncertain':
        return this.#bury(job, `whether its effect ${end.effect} happened is unknown, and it may not be repeated`)
      case 'code.changed':
        return this.#bury(job, `the code of its handler no longer fits what was recorded: ${end.problem}`)
      case 'parked':
      case 'lost':
      case 'cancelled':
        // Its lease ends now, and its step goes on where it stands with whoever gets it next.
        await letGo(job.deliveries)
    }
  }
  async #bury({ deliveries }: Job, reason: string): Promise<void> {
    const ended = this.#ended(deliveries)
    for (const delivered of [...deliveries].reverse()) {
      this.#parts.failed(
        failure('request.failed', { to: this.#parts.agent, type: delivered.message.type, problem: reason }),
        delivered,
      )
      await contained(() => delivered.bury(reason, ended))
    }
    await this.#parts.steps.giveUp(this.#parts.user, stepOf(deliveries))
  }
  /** For the change in which nobody goes on with the step. */
  #ended(deliveries: readonly Delivered[]): Fragment {
    const { user, steps, retentionMs } = this.#parts
    return steps.abandon(user, [stepOf(deliveries)], failedKeptMs(retentionMs))
  }
  /** The step itself could not be carried out: the storage failed, say. After a while it goes on where it stands. */
  async #giveBack({ deliveries }: Job, error: unknown): Promise<void> {
    const { attempts, backoff, random } = this.#parts
    const reason = `${reasonOf(storeError(error))}; ${perhapsDone}`
    for (const delivered of [...deliveries].reverse()) {
      this.#parts.failed(error, delivered)
      if (delivered.attempt >= attempts) await contained(() => delivered.bury(reason, this.#ended(deliveries)))
    }
    const others = deliveries.filter(({ attempt }) => attempt < attempts)
    await letGo(others, backoffDelay(backoff, others[0]?.attempt ?? attempts, random))
  }

  /** Slow work stays leased; a lease that is lost ends it. */
  #renew({ deliveries }: Job, lost: AbortController): () => void {
    const { clock, leaseMs } = this.#parts
    let over = false
    let cancel = () => {}
    const again = () => {
      if (over) return
      cancel = clock.after(leaseMs / 3, () => {
        void Delivered.renewAll(deliveries).then(again, (error: unknown) => {
          if (isLost(error)) lost.abort(error)
          else again()
        })
      })
    }
    again()
    return () => {
      over = true
      cancel()
    }
  }
}

const triesOf = (deliveries: readonly Delivered[]): readonly Try[] =>
  deliveries.map(({ message, failures }) => ({ id: message.id, failures }))
const stepOf = (deliveries: readonly Delivered[]) => handledStep(triesOf(deliveries))

const isFailure = (end: unknown): end is { readonly error: StoredError } =>
  typeof end === 'object' && end !== null && 'error' in end
const reasonOf = (error: StoredError) => `${error.name}: ${error.message}`
const joined = (fragments: readonly Fragment[]): Fragment => ({
  statements: fragments.flatMap(({ statements }) => statements),
  wake: [...new Set(fragments.flatMap(({ wake }) => wake ?? []))],
})
const isLost = (error: unknown): error is TroupeError => error instanceof TroupeError && error.code === 'lease.lost'
/** At one moment, so that a batch is found whole; else what is still ours. */
export async function letGo(deliveries: readonly Delivered[], delayMs = 0): Promise<void> {
  try {
    await Delivered.letGo(deliveries, delayMs)
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    for (const delivered of deliveries) await contained(() => Delivered.letGo([delivered], delayMs))
  }
}
/** A lease that is lost meanwhile is somebody else's; a storage that fails lets it run out. */
async function contained(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
  }
}
