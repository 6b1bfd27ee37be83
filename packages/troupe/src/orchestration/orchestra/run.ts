/** A run as the host holds it: watch it, answer it, stop it. The handle keeps nothing; any process can make one. */
import { goingOf } from '../../agents/index.ts'
import {
  checkCall,
  checkOptions,
  checkSignal,
  checkText,
  encodeJson,
  failure,
  isObject,
  type Json,
  taintField,
  type UserId,
} from '../../core/index.ts'
import type { Settlement } from '../../durable/index.ts'
import { type AgentPath, pathOf, pathSetBy } from '../core/agent-path.ts'
import { type BreakOnOption, readBreakOn } from '../core/read-config.ts'
import { type Inspection, inspect } from '../history/inspect.ts'
import { PastRun } from '../history/past-run.ts'
import { type RecordedCall, recordedCall } from '../history/recorded-call.ts'
import type { CommandOptions } from './command-options.ts'
import { keptRecords, refuseExpired, type ToldUntil, toldUntil } from './kept-records.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import type { LivePart } from './parts.ts'
import { type RetryOptions, retryRun } from './retry-run.ts'
import type { RunEvent } from './run-event.ts'
import { ownerOf, stepJournal, traceIdOf } from './run-journals.ts'
import { readRecord } from './run-record.ts'
import { type RunResult, revive } from './run-result.ts'
import { askedBelow } from './waiting-below.ts'
import type { Order } from './wire.ts'

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
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) : value

const over = new Set<string>(['run.completed', 'run.failed', 'run.cancelled'])
const pageSize = 200

function checkCommand(what: string, options: CommandOptions): void {
  checkOptions(what, options, ['id', 'signal'])
  checkSignal(what, options.signal)
}

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
    checkCall('run.result', options)
    return revive(await this.#host.still(this.#user, this.id, options.signal))
  }

  /** As things stand now. */
  async status(
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly status: RunResult['status'] | 'paused'; readonly reason?: string } & ToldUntil> {
    checkCall('run.status', options)
    const row = await this.#host.row(this.#user, this.id)
    const reason = row.reason === null ? {} : { reason: row.reason }
    return { status: row.status as RunResult['status'], ...reason, ...toldUntil(this.#host.parts, row) }
  }

  /**
   * The run's journal as it is written, from its beginning or after `from`; ends with the run, or when the signal aborts.
   * @throws ValidationError for a `from` that the run has not come to
   * @example for await (const event of run.events()) console.log(event.seq, event.type)
   */
  events(options: EventOptions = {}): AsyncGenerator<RunEvent> {
    checkOptions('run.events', options, ['from', 'signal'])
    const { from = 0, signal } = options
    if (!Number.isSafeInteger(from) || from < 0)
      throw failure('validation.failed', { what: 'run.events.from', problem: 'it is not the seq of an event' })
    // One that has aborted gives nothing, as one that aborts later ends it.
    if (!signal?.aborted) checkSignal('run.events', signal)
    return this.#events(from, signal)
  }

  async *#events(from: number, signal: AbortSignal | undefined): AsyncGenerator<RunEvent> {
    let seq = from
    const { id: run } = this
    const at = { run, user: this.#user, trace: traceIdOf(this.#user, run) }
    let record = 0
    refuseExpired(this.#host.parts, await this.#host.row(this.#user, run))
    if (from > 0) await this.#refuseAhead(from)
    const paths = new Map<string, AgentPath>()
    while (!signal?.aborted) {
      const arrival = this.#host.nextEvents(this.#user, this.id, signal)
      try {
        let page: Awaited<ReturnType<OrchestraHost['records']>>
        do {
          page = await this.#host.records(this.#user, this.id, record, pageSize)
          for (const { seq: place, body } of page) {
            record = place
            const { events = [], first = 1 } = readRecord(body)
            for (const [i, event] of events.entries()) {
              const set = pathSetBy(paths, event)
              if (set) paths.set(...set)
              if (first + i > seq) {
                seq = first + i
                yield { ...event, seq, path: pathOf(paths, event), ...at }
              }
              if (over.has(event.type)) return
            }
          }
        } while (page.length === pageSize)
        // A run that broke down ends without an event of its own.
        if ((await this.#host.row(this.#user, this.id)).endedAt !== null && page.length === 0) return
        await arrival.promise
      } finally {
        arrival.stop()
      }
    }
  }

  /** Whoever waited behind what never was would wait for ever, or miss what comes. */
  async #refuseAhead(from: number): Promise<void> {
    let [newest, record, read] = [0, 0, pageSize]
    while (read === pageSize && newest < from) {
      const page = await this.#host.records(this.#user, this.id, record, pageSize)
      for (const { seq, body } of page) {
        const { events = [], first = 1 } = readRecord(body)
        if (events.length > 0) newest = first + events.length - 1
        record = seq
      }
      read = page.length
    }
    if (newest < from)
      throw failure('validation.failed', {
        what: 'run.events.from',
        problem: `it is ${from}, and the newest event is ${newest}`,
      })
  }

  /** Tokens and progress from now on: not stored, some may be missing. Ends with the run or the signal. */
  live(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<LivePart> {
    checkOptions('run.live', options, ['signal'])
    if (!options.signal?.aborted) checkSignal('run.live', options.signal)
    return this.#host.liveOf(this.#user, this.id, options.signal)
  }

  /**
   * No new step begins; those at work end. Any process that has the database may ask; whoever carries the run on does it.
   * @throws ConflictError `run.over`; `run.agents_missing` where nobody carries it on and no process has its code
   */
  async pause(options: CommandOptions = {}): Promise<void> {
    await this.#give('pause', options)
  }
  /** Goes on, from a pause or a breakpoint: a failure that is held happens, a call that is held back is made. */
  async continue(options: CommandOptions = {}): Promise<void> {
    await this.#give('continue', options)
  }

  /**
   * Goes on from a pause or a breakpoint until another step has begun, and stops again behind it.
   * @returns how the run stands then, or where it is over
   */
  async step(options: CommandOptions = {}): Promise<Inspection> {
    checkCommand('run.step', options)
    await this.#host.give(this.#user, this.id, { type: 'continue', by: 'host', steps: 1 }, options)
    await this.result(options.signal ? { signal: options.signal } : {})
    return this.inspect()
  }

  /**
   * Where it stops from now on, in place of what it was started with: runs that its steps have started stop there too.
   * @param breakOn as `config.debug.breakOn`; none: nowhere
   * @throws ValidationError; ConflictError `run.over`
   * @example await run.breakAt(['error', { agent: 'Writer' }])
   */
  async breakAt(breakOn: BreakOnOption | readonly BreakOnOption[], options: CommandOptions = {}): Promise<void> {
    checkCommand('run.breakAt', options)
    const row = await this.#host.row(this.#user, this.id)
    const [start] = row.endedAt === null ? await this.#host.records(this.#user, this.id, 0, 1) : []
    const { input } = start ? readRecord(start.body) : {}
    const topology = input?.type === 'start' ? input.pinned.topology : undefined
    const order = { type: 'break', by: 'host', breakOn: readBreakOn(breakOn, topology) } as const
    await this.#host.give(this.#user, this.id, order, options)
  }

  /** How it stands, and what comes next when it goes on; runs that its steps have started and that are not over, `below`. */
  async inspect(options: { readonly signal?: AbortSignal } = {}): Promise<Inspection> {
    checkCall('run.inspect', options)
    const row = await this.#host.row(this.#user, this.id)
    const own = inspect(PastRun.of(this.id, await keptRecords(this.#host.parts, this.#user, row)))
    const children = row.endedAt === null ? await this.#host.parts.store.children(this.#user) : []
    const below: Inspection[] = []
    for (const { run, parent } of children)
      if (parent.run === this.id) below.push(await new Run(this.#host, this.#user, run).inspect(options))
    return below.length > 0 ? { ...own, below } : own
  }

  /**
   * What a step asked of models, tools and the world, in the order in which it began; empty for one that asked nothing,
   * or whose record is gone. What it asked is in the conversation, and in the tool calls of the models' answers.
   * @param step as events name it
   * @example for (const { kind, name, state, output } of await run.calls('1#2')) console.log(kind, name, state, output)
   */
  async calls(step: string, options: { readonly signal?: AbortSignal } = {}): Promise<readonly RecordedCall[]> {
    checkCall('run.calls', options)
    await this.#host.row(this.#user, this.id)
    const { steps } = this.#host.parts
    return (await steps.effects(this.#user, stepJournal(this.id, checkText('The step of run.calls', step)))).map(
      recordedCall,
    )
  }

  /**
   * Changes what a run that stands at a breakpoint goes on with.
   * @param edits `results`: by step whose failure is held, what it gives instead; `inputs`: by branch that is about to
   * begin a step, what it is given. The result of a call that is held back is an answer to its question: `{ result }`
   * @throws ValidationError for what is not held; ConflictError `run.over`
   * @example await run.edit({ results: { '1#2': 'a report written by hand' } })
   */
  async edit(
    edits: {
      readonly results?: Readonly<Record<string, unknown>>
      readonly inputs?: Readonly<Record<string, unknown>>
    },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    checkOptions('run.edit', edits, ['results', 'inputs'])
    checkCall('run.edit', options)
    const give = (order: Order) => this.#host.give(this.#user, this.id, order, options)
    for (const [step, value] of Object.entries(edits.results ?? {}))
      if (!(await this.#editBelow('results', step, value, options)))
        await give({ type: 'step.edited', step, outcome: goingOf(value, 'The result'), by: 'host' })
    for (const [branch, value] of Object.entries(edits.inputs ?? {})) {
      if (await this.#editBelow('inputs', branch, value, options)) continue
      const input = JSON.parse(encodeJson(value, 'The input')) as Json
      await give({ type: 'branch.edited', branch, input, by: 'host' })
    }
  }

  /**
   * A new run that goes on where this one failed: it shares all that had settled before the failure, steps that were open
   * go on from their records, paid calls and completed effects are not repeated, and what failed is tried again.
   * @param options `from`: a step that failed, or a branch (its last failed one), in place of what made the run fail;
   * `budget`: other limits, in which counts what was used before; `id` of the new run
   * @throws ConflictError `retry.refused` for a run that has not failed; NotFoundError `replay.expired`
   * @example const again = await run.retry({ budget: { cost: 2 } }); console.log((await again.result()).status)
   */
  async retry(options: RetryOptions = {}): Promise<Run> {
    checkOptions('run.retry', options, ['from', 'budget', 'id', 'signal'])
    const { signal, ...how } = options
    checkSignal('run.retry', signal)
    return new Run(this.#host, this.#user, await retryRun(this.#host, this.#user, this.id, how))
  }

  /** Its steps clean up, then it ends as cancelled: resolves when it is over, wherever it is carried on. */
  async cancel(options: CommandOptions = {}): Promise<void> {
    await this.#give('cancel', options)
    await this.#host.ended(this.#user, this.id, options.signal)
  }

  /**
   * @param value of the kind asked: one of the options, a text, `{ approve, hash }`, …
   * @param options `id`: given again with it, the answer is given once; `signal` takes it back while nobody has taken it in
   * @throws ConflictError for a question that isn't open, a second answer or a wrong hash; ValidationError for a value
   * that doesn't fit
   */
  async answer(question: string, value: Json, options: CommandOptions = {}): Promise<void> {
    checkCommand('run.answer', options)
    if (typeof question !== 'string') throw failure('question.unknown', { question: String(question) })
    const below = askedBelow(question)
    if (below && (await this.#isBelow(below.run)))
      return new Run(this.#host, this.#user, below.run).answer(below.question, value, options)
    const given = JSON.parse(encodeJson(withoutUnsaid(value), 'The answer')) as Json
    const people = taintField(this.#host.parts.services.guard.people)
    const order = { type: 'question.answered', question, value: given, by: 'host', ...people } as const
    await this.#host.give(this.#user, this.id, order, options)
  }

  /** Effects of this run whose outcome nobody knows: it waits for somebody to find out and `settle` them. */
  async uncertain(options: { readonly signal?: AbortSignal } = {}): Promise<readonly UncertainEffectOfRun[]> {
    checkCall('run.uncertain', options)
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
  async settle(
    effect: Pick<UncertainEffectOfRun, 'step' | 'call'>,
    settlement: Settlement,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    checkCall('run.settle', options)
    checkOptions('run.settle', effect, ['step', 'call', 'effect', 'since'])
    const { step, call } = effect
    const settled = this.#host.parts.steps.settle(this.#user, stepJournal(this.id, step), call, settlement)
    await this.#host.give(this.#user, this.id, { type: 'step.resumed', step }, options, settled)
  }

  /** Answers go to runs that this one started, and to no others. */
  async #isBelow(run: string): Promise<boolean> {
    const children = await this.#host.parts.store.children(this.#user)
    return children.some((child) => child.run === run && child.parent.above.includes(this.id))
  }

  /** `RUN::PLACE` names a place of a run that this one started. */
  async #editBelow(
    what: 'results' | 'inputs',
    place: string,
    value: unknown,
    options: { readonly signal?: AbortSignal },
  ) {
    const below = askedBelow(place)
    if (!below || !(await this.#isBelow(below.run))) return false
    await new Run(this.#host, this.#user, below.run).edit({ [what]: { [below.question]: value } }, options)
    return true
  }

  async #give(type: 'pause' | 'continue' | 'cancel', options: CommandOptions): Promise<void> {
    checkCommand(`run.${type}`, options)
    await this.#host.give(this.#user, this.id, { type, by: 'host' }, options)
  }
}
