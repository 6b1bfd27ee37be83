/** A run as the host holds it: watch it, answer it, stop it. The handle keeps nothing; any process can make one. */
import { encodeJson, failure, type Json, traceOf, type UserId } from '../../core/index.ts'
import type { Settlement } from '../../durable/index.ts'
import type { Guard } from '../core/model.ts'
import { checkAnswer } from '../core/people.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import type { LivePart } from './parts.ts'
import type { RunEvent, RunRecord } from './run-event.ts'
import { ownerOf, runJournal, stepJournal } from './run-journals.ts'
import { type RunResult, revive } from './run-result.ts'
import { askedBelow } from './waiting-below.ts'

export interface UncertainEffectOfRun {
  readonly step: string
  /** Which call of the step it is. */
  readonly call: string
  /** The name that the code gave it. */
  readonly effect: string
  /** ISO text. */
  readonly since: string
}

export interface EventOptions {
  /** Gives what came after this event's `seq`. */
  readonly from?: number
  readonly signal?: AbortSignal
}

/** `{ approve, hash, reason: undefined }` says no reason: it is not refused for that. */
const withoutUnsaid = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))
    : value

const over = new Set<string>(['run.completed', 'run.failed', 'run.cancelled'])
const pageSize = 200

export class Run {
  readonly id: string
  readonly #host: OrchestraHost
  readonly #user: UserId

  constructor(host: OrchestraHost, user: UserId, id: string) {
    this.id = id
    this.#host = host
    this.#user = user
  }

  /** Resolves when the run is over, or nothing in it can move: it waits for a person, is paused, or needs a decision. */
  async result(options: { readonly signal?: AbortSignal } = {}): Promise<RunResult> {
    return revive(await this.#host.still(this.#user, this.id, options.signal))
  }

  /** As things stand now. */
  async status(): Promise<{
    readonly status: RunResult['status'] | 'paused'
    readonly reason?: string
    readonly guard?: Guard
  }> {
    const row = await this.#host.row(this.#user, this.id)
    return { status: row.status as RunResult['status'], ...(row.reason === null ? {} : { reason: row.reason }) }
  }

  /**
   * The run's journal as it is written, from its beginning or after `from`; ends with the run.
   * @example for await (const event of run.events()) console.log(event.seq, event.type)
   */
  async *events(options: EventOptions = {}): AsyncGenerator<RunEvent> {
    let seq = options.from ?? 0
    const { id: run } = this
    const at = { run, user: this.#user, trace: traceOf(this.#user, runJournal(run), run).traceId }
    let record = 0
    for (;;) {
      const arrival = this.#host.nextEvents(this.#user, this.id, options.signal)
      try {
        let page: Awaited<ReturnType<OrchestraHost['records']>>
        do {
          page = await this.#host.records(this.#user, this.id, record, pageSize)
          for (const { seq: place, body } of page) {
            record = place
            const { events, first } = body as unknown as RunRecord
            for (const [i, event] of (events ?? []).entries()) {
              if (first + i <= seq) continue
              seq = first + i
              yield { ...event, seq, ...at }
              if (over.has(event.type)) return
            }
          }
        } while (page.length === pageSize)
        if (options.signal?.aborted) return
        // A run that broke down ends without an event of its own.
        if ((await this.#host.row(this.#user, this.id)).endedAt !== null && page.length === 0) return
        await arrival.promise
      } finally {
        arrival.stop()
      }
    }
  }

  /** Tokens and progress from now on: not stored, some may be missing. Ends with the run or the signal. */
  live(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<LivePart> {
    return this.#host.liveOf(this.#user, this.id, options.signal)
  }

  /** No new step begins; those at work end. */
  async pause(): Promise<void> {
    await this.#apply((at) => ({ at, type: 'pause', by: 'host' }))
  }
  async continue(): Promise<void> {
    await this.#apply((at) => ({ at, type: 'continue', by: 'host' }))
  }
  /** Resolves when it is durable that the run is to stop; its steps clean up, then it ends as cancelled. */
  async cancel(): Promise<void> {
    await this.#apply((at) => ({ at, type: 'cancel', by: 'host' }))
  }

  /**
   * @param value of the kind asked: one of the options, a text, `{ approve, hash }`, …
   * @throws ConflictError for a question that isn't open, a second answer or a wrong hash; ValidationError for a value
   * that doesn't fit
   */
  async answer(question: string, value: Json): Promise<void> {
    const below = askedBelow(question)
    if (below && (await this.#isBelow(below.run)))
      return new Run(this.#host, this.#user, below.run).answer(below.question, value)
    const given = JSON.parse(encodeJson(withoutUnsaid(value), 'The answer')) as Json
    const owner = await this.#host.own(this.#user, this.id)
    await owner.apply(
      (at) => ({ at, type: 'question.answered', question, value: given, by: 'host' }),
      (state) => checkAnswer(state, question, given),
    )
  }

  /** Effects of this run whose outcome nobody knows: it waits for somebody to find out and `settle` them. */
  async uncertain(): Promise<readonly UncertainEffectOfRun[]> {
    await this.#host.row(this.#user, this.id)
    const all = await this.#host.parts.steps.uncertain(this.#user)
    return all.flatMap(({ step, call, effect, since }) => {
      const place = ownerOf(step)
      return place?.run === this.id && place.step !== undefined
        ? [{ step: place.step, call, effect, since: new Date(since).toISOString() }]
        : []
    })
  }

  /**
   * Says what became of an uncertain effect; the run goes on with it: with its output, or by doing it now.
   * @throws ConflictError `effect.settled` for one that is not uncertain
   * @example const [effect] = await run.uncertain(); await run.settle(effect, { happened: true, output: { charged: 5 } })
   */
  async settle(effect: Pick<UncertainEffectOfRun, 'step' | 'call'>, settlement: Settlement): Promise<void> {
    const owner = await this.#host.own(this.#user, this.id)
    const { step, call } = effect
    await this.#host.parts.steps.settle(this.#user, stepJournal(this.id, step), call, settlement)
    await owner.apply((at) => ({ at, type: 'step.resumed', step }))
  }

  /** Answers go to runs that this one started, and to no others. */
  async #isBelow(run: string): Promise<boolean> {
    const children = await this.#host.parts.store.children(this.#user)
    return children.some((child) => child.run === run && child.parent.above.includes(this.id))
  }

  async #apply(make: Parameters<Awaited<ReturnType<OrchestraHost['own']>>['apply']>[0]): Promise<void> {
    const row = await this.#host.row(this.#user, this.id)
    if (row.endedAt !== null) throw failure('run.over', { run: this.id, status: row.status })
    await (await this.#host.own(this.#user, this.id)).apply(make)
  }
}
