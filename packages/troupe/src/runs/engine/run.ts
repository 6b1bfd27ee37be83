/** The handle of a run: follow it, answer its questions, stop it. The handle has no state, and any process can create one. */

import { uncertainFields } from '../../agents/index.ts'
import {
  addStepTaint,
  capture,
  checkCall,
  checkConstruct,
  checkOptionNames,
  checkOptions,
  checkSignal,
  checkSignalType,
  checkText,
  construct,
  currentStep,
  endable,
  failure,
  invalidInput,
  type Json,
  type JsonInput,
  joinTaint,
  show,
  taintField,
  type UserId,
} from '../../core/index.ts'
import { type Resolution, stepJournal } from '../../journal/index.ts'
import { type BreakpointSpec, readBreakOn } from '../../topology/index.ts'
import { type Inspection, inspectRun } from '../history/inspect-run.ts'
import { PastRun } from '../history/past-run.ts'
import { type RecordedCall, recordedCall } from '../history/steps/recorded-call.ts'
import { childQuestionOf } from '../machine/run/child-question-id.ts'
import { awaitResult } from './await-run.ts'
import { isOpenChild } from './children/is-open-child.ts'
import { type CommandOptions, checkCommand } from './commands/command-options.ts'
import { copyAnswer } from './copy-answer.ts'
import { editRun, type RunEdits } from './edit-run.ts'
import { readEvents } from './events/read-events.ts'
import type { EventOptions, RunEvent } from './events/run-event.ts'
import { type ForkOptions, readFork } from './forks/fork-options.ts'
import { forkRun } from './forks/fork-run.ts'
import { type RetryOptions, retryRun } from './forks/retry-run.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import type { RunLivePart } from './orchestra-parts.ts'
import { recordRead } from './record-read.ts'
import { type RunResult, revive, type UncertainEffectOfRun } from './run-result.ts'
import { noteRunTaint, withRunTaint } from './store/note-run-taint.ts'
import { type RetentionTimes, readRetainedRecords, retentionTimesOf } from './store/retained-records.ts'
import { readRecord } from './store/run-record.ts'
import { resolveEffect, uncertainEffects } from './uncertain-effects.ts'

/** A run: follow it, answer its questions, pause, fork, retry or cancel it. */
export class Run<Response = Json> {
  /** The id of the run. */
  readonly id: string
  readonly #host: OrchestraHost
  readonly #user: UserId

  private constructor(key: typeof construct, host: OrchestraHost, user: UserId, id: string) {
    checkConstruct(key, 'Run', 'user.orchestra.start')
    this.id = id
    this.#host = host
    this.#user = user
  }

  static [construct]<Response = Json>(host: OrchestraHost, user: UserId, id: string): Run<Response> {
    return new Run(construct, host, user, id)
  }

  /**
   * Resolves when the run has ended, or cannot continue: it waits for a person, is paused, or needs a decision. A failed
   * run resolves with `status: 'failed'` and its `error`; `output` rejects instead.
   * @param options.signal ends the wait with CancelledError; the run continues
   * @throws ConflictError `run.awaits_itself` in a step of the run
   */
  async result(options: { readonly signal?: AbortSignal } = {}): Promise<RunResult<Response>> {
    checkCall('run.result', options)
    this.#checkOutside()
    recordRead(this.#host.parts, this.#user, this.id)
    const awaited = await awaitResult(this.#host, this.#user, this.id, options.signal)
    const uncertain = await uncertainEffects(this.#host, this.#user, this.id, awaited.uncertain)
    await noteRunTaint(this.#host.parts, this.#user, this.id)
    return { ...revive<Response>(this.id, awaited.result), ...(uncertain.length > 0 ? { uncertain } : {}) }
  }

  /**
   * Resolves with the response of the run when it has completed. It keeps waiting while the run waits for a person.
   * @param options.signal ends the wait; the run continues
   * @throws the error of a failed run; CancelledError `cancelled` for a cancelled run, or when the signal aborts
   * @example const report = await run.output()
   */
  async output(options: { readonly signal?: AbortSignal } = {}): Promise<Response> {
    checkCall('run.output', options)
    this.#checkOutside()
    const captured = { ...options }
    await this.#host.awaitEnd(this.#user, this.id, captured.signal)
    const { status, response, error } = await this.result(captured)
    if (status === 'completed') return (response ?? null) as Response
    throw error ?? failure('cancelled', { what: `The run ${this.id}` })
  }

  /** Rejects a wait in a step of this run, which would never end. */
  #checkOutside(): void {
    const step = currentStep()
    if (step?.runId === this.id && step.principal?.userId === this.#user)
      throw failure('run.awaits_itself', { run: this.id })
  }

  /** Returns the current status. @param options.signal rejects the call if it has aborted before the call starts */
  async status(options: { readonly signal?: AbortSignal } = {}): Promise<
    {
      /** The status. */
      readonly status: RunResult['status'] | 'paused'
      /** Why the run waits, or `question` if a branch of a run in progress waits for an answer; absent otherwise. */
      readonly reason?: string
      /** The name of its team; absent for a topology that is not registered. */
      readonly team?: string
      /** Its tags, as `retry:RUN` and `fork:RUN` of the run that it continues; absent if it has none. */
      readonly tags?: readonly string[]
    } & RetentionTimes
  > {
    checkCall('run.status', options)
    const row = await this.#host.row(this.#user, this.id)
    return {
      status: row.status as RunResult['status'],
      ...(row.reason === null ? {} : { reason: row.reason }),
      ...(row.team === null ? {} : { team: row.team }),
      ...(row.tags.length === 0 ? {} : { tags: row.tags }),
      ...retentionTimesOf(this.#host.parts, row),
    }
  }

  /**
   * Yields the events of the run after `from` until the run ends, the signal aborts, or with `untilWaiting` the run waits.
   * While the storage cannot be read, it waits for up to five minutes and then continues.
   * @throws ValidationError for a `from` beyond the newest event
   * @example for await (const event of run.events()) console.log(event.seq, event.type)
   */
  events(options: EventOptions = {}): AsyncGenerator<RunEvent> {
    checkOptions('run.events', options, ['from', 'untilWaiting', 'signal'])
    const { from = 0, untilWaiting = false, signal } = options
    if (!Number.isSafeInteger(from) || from < 0) throw invalidInput('run.events.from', 'it is not the seq of an event')
    if (typeof untilWaiting !== 'boolean') throw invalidInput('run.events.untilWaiting', 'it must be true or false')
    // A signal that has aborted before the call yields no event.
    checkSignalType('run.events', signal)
    recordRead(this.#host.parts, this.#user, this.id)
    return endable(signal, (ended) =>
      readEvents(this.#host, { user: this.#user, run: this.id, from, untilWaiting, signal: ended }),
    )
  }

  /** Yields tokens and progress from now on. They are not stored, and some may be missing. Ends with the run or the signal. */
  live(options: Pick<EventOptions, 'signal'> = {}): AsyncIterable<RunLivePart> {
    checkOptions('run.live', options, ['signal'])
    checkSignalType('run.live', options.signal)
    recordRead(this.#host.parts, this.#user, this.id)
    return endable(options.signal, (ended) =>
      withRunTaint(this.#host.parts, this.#user, this.id, this.#host.liveOf(this.#user, this.id, ended)),
    )
  }

  /**
   * Pauses the run: no new step starts, and steps in progress finish. Any process with the database may call it; the owner
   * of the run executes it.
   * @throws ConflictError `run.over`; `run.agents_missing` if the run has no owner and no process has its code
   */
  async pause(options: CommandOptions = {}): Promise<void> {
    await this.#submit('pause', options)
  }
  /** Resumes the run after a pause or a breakpoint. At a breakpoint, the suspended failure or call takes place. */
  async resume(options: CommandOptions = {}): Promise<void> {
    await this.#submit('resume', options)
  }

  /**
   * Resumes the run after a pause or a breakpoint until another step has started, and stops again after that step.
   * @returns the state of the run at that time, or at its end
   */
  async step(options: CommandOptions = {}): Promise<Inspection> {
    checkCommand('run.step', options)
    await this.#host.submit(this.#user, this.id, { type: 'resume', by: 'host', steps: 1 }, options)
    await this.result(options.signal ? { signal: options.signal } : {})
    return this.inspect()
  }

  /**
   * Replaces the breakpoints of the run. They apply to its child runs too.
   * @param breakOn as `config.debug.breakOn`; an empty list removes all breakpoints
   * @throws ValidationError; ConflictError `run.over`
   * @example await run.breakAt(['error', { agent: 'Writer' }])
   */
  async breakAt(breakOn: BreakpointSpec | readonly BreakpointSpec[], options: CommandOptions = {}): Promise<void> {
    checkCommand('run.breakAt', options)
    const [captured, command] = [capture(breakOn), { ...options }]
    const row = await this.#host.row(this.#user, this.id)
    const [start] = row.endedAt === null ? await this.#host.records(this.#user, this.id, 0, 1) : []
    const { input } = start ? readRecord(start.body) : {}
    const topology = input?.type === 'start' ? input.pinned.topology : undefined
    const order = { type: 'break', by: 'host', breakOn: readBreakOn(captured, topology) } as const
    await this.#host.submit(this.#user, this.id, order, command)
  }

  /**
   * Returns the state of the run, the steps that come next, and its unfinished child runs (`childRuns`).
   * @param options.signal rejects the call if it has aborted before the call starts
   */
  async inspect(options: { readonly signal?: AbortSignal } = {}): Promise<Inspection> {
    checkCall('run.inspect', options)
    recordRead(this.#host.parts, this.#user, this.id)
    const row = await this.#host.row(this.#user, this.id)
    await noteRunTaint(this.#host.parts, this.#user, this.id)
    const own = inspectRun(PastRun.of(this.id, await readRetainedRecords(this.#host.parts, this.#user, row)))
    const children = row.endedAt === null ? await this.#host.parts.stores.store.children(this.#user, this.id) : []
    const childRuns: Inspection[] = []
    for (const { run } of children) childRuns.push(await Run[construct](this.#host, this.#user, run).inspect(options))
    return childRuns.length > 0 ? { ...own, childRuns } : own
  }

  /**
   * Returns the calls of models, tools and effects of a step in the order of their start. Empty if its record is deleted.
   * @param step its id, as in events
   * @param options.signal rejects the call if it has aborted before the call starts
   * @example for (const { kind, name, state, output } of await run.calls('1#2')) console.log(kind, name, state, output)
   */
  async calls(step: string, options: { readonly signal?: AbortSignal } = {}): Promise<readonly RecordedCall[]> {
    checkCall('run.calls', options)
    recordRead(this.#host.parts, this.#user, this.id)
    await this.#host.row(this.#user, this.id)
    const journal = stepJournal(this.id, checkText('The step of run.calls', step))
    const effects = await this.#host.parts.journal.steps.effects(this.#user, journal)
    await noteRunTaint(this.#host.parts, this.#user, this.id)
    addStepTaint(joinTaint(...effects.map(({ taint }) => taint)), `the run ${this.id}`)
    return effects.map(recordedCall)
  }

  /**
   * Edits a run that stops at a breakpoint: with all of the edits, or with none if one of them does not fit.
   * @param edits.results by step, what takes the place of a suspended failure; for a suspended tool call `{ result }`
   * @param edits.inputs by branch, the input of its next step
   * @throws ValidationError for a step or branch that is not suspended; ConflictError `run.over`
   * @example await run.edit({ results: { '1#2': 'a report written by hand' } })
   */
  async edit(edits: RunEdits, options: Pick<CommandOptions, 'signal'> = {}): Promise<void> {
    checkCall('run.edit', options)
    await editRun(this.#host, this.#user, this.id, edits, { ...options })
  }

  /**
   * Returns a new run that shares this run's history up to one of its events, and continues from there with the edits.
   * @param options `at`: the `seq` of the event; `edit`: results by step or agent, answers by question, prompts, a model;
   * `id` of the new run; `repeat`: allows effects of class `at-most-once` that this run began after `at` to happen again
   * @throws ConflictError `effect.repeated` that names such effects; ValidationError for an unknown `at` or edit; ConflictError `run.agents_missing`
   * @example const fork = await run.fork({ at: 12, edit: { results: { Researcher: 'Nothing was found.' } } })
   */
  async fork(options: ForkOptions): Promise<Run> {
    const read = readFork(options)
    const forked = await this.#host.fork(this.#user, this.id, (source) =>
      forkRun(this.#host.parts, this.#user, source, read),
    )
    return new Run(construct, this.#host, this.#user, forked)
  }

  /**
   * Returns a new run that continues where this one failed. It shares the history before the failure. Unfinished steps
   * continue from their records, paid calls and completed effects are not repeated, and the failed step is retried.
   * @param options `from`: a failed step, or a branch (its last failed step), instead of the step that failed the run;
   * `budget`: other limits, which include the use so far; `id` of the new run
   * @throws ConflictError `retry.rejected` for a run that has not failed; `effect.repeated` as `fork`; NotFoundError `replay.expired`
   * @example const repeated = await run.retry({ budget: { cost: 2 } }); console.log((await repeated.result()).status)
   */
  async retry(options: RetryOptions = {}): Promise<Run> {
    checkOptions('run.retry', options, ['from', 'budget', 'id', 'repeat', 'signal'])
    const { signal, ...how } = options
    checkSignal('run.retry', signal)
    return Run[construct](this.#host, this.#user, await retryRun(this.#host, this.#user, this.id, how))
  }

  /**
   * Cancels the run: its steps clean up, and it ends as cancelled. Resolves when it has ended, in whichever process. In code
   * of a step that the cancellation stops, it resolves when that step has to stop, because the run waits for the step.
   */
  async cancel(options: CommandOptions = {}): Promise<void> {
    checkCommand('run.cancel', options)
    const { signal } = options
    const stopped = currentStep()?.signal
    await this.#submit('cancel', options)
    const either = stopped && signal ? AbortSignal.any([stopped, signal]) : (stopped ?? signal)
    await this.#host.awaitEnd(this.#user, this.id, either).catch((error: unknown) => {
      if (!stopped?.aborted || signal?.aborted) throw error
    })
  }

  /**
   * Answers a question of the run.
   * @param value by the kind of the question: one of the options, a text, `{ approve, hash }`, …
   * @param options `id`: a repeated answer with this id is delivered once; `signal` withdraws an answer not accepted yet
   * @throws ConflictError for a question that is not open, a second answer or a wrong hash; ValidationError for the value
   */
  async answer<T>(question: string, value: JsonInput<T>, options: CommandOptions = {}): Promise<void> {
    checkCommand('run.answer', options)
    if (typeof question !== 'string') throw failure('question.unknown', { question: show(question) })
    const copied = copyAnswer(value)
    const childQuestion = childQuestionOf(question)
    if (childQuestion && (await isOpenChild(this.#host, this.#user, this.id, childQuestion.run)))
      return Run[construct](this.#host, this.#user, childQuestion.run).answer(childQuestion.question, copied, options)
    const people = taintField(this.#host.parts.agents.services.guard.people)
    const order = { type: 'question.answered', question, value: copied, by: 'host', ...people } as const
    await this.#host.submit(this.#user, this.id, order, options)
  }

  /**
   * Returns the effects of this run whose outcome is unknown, also after its end. A person finds out and resolves them.
   * @param options.signal rejects the call if it has aborted before the call starts
   * @example for (const { name, input, key } of await run.uncertain()) console.log(name, input, key)
   */
  async uncertain(options: { readonly signal?: AbortSignal } = {}): Promise<readonly UncertainEffectOfRun[]> {
    checkCall('run.uncertain', options)
    recordRead(this.#host.parts, this.#user, this.id)
    await this.#host.row(this.#user, this.id)
    await noteRunTaint(this.#host.parts, this.#user, this.id)
    return uncertainEffects(this.#host, this.#user, this.id)
  }

  /**
   * Records the outcome of an uncertain effect. An unfinished run continues with its output, or executes the effect now. For
   * an ended run, `calls`, `why` and `undo` use the outcome. The outcome is recorded also where no process has the code of the
   * run: it continues in the next one that has it. First make sure that the process which began the effect has
   * ended: a suspended process completes the effect when it resumes.
   * @throws ConflictError `effect.resolved` for an effect that is not uncertain
   * @example const [effect] = await run.uncertain(); await run.resolve(effect, { happened: true, output: { charged: 5 } })
   */
  async resolve(
    effect: Pick<UncertainEffectOfRun, 'step' | 'call'>,
    resolution: Resolution,
    options: Pick<CommandOptions, 'signal'> = {},
  ): Promise<void> {
    checkCall('run.resolve', options)
    checkOptionNames('run.resolve', effect, uncertainFields)
    await resolveEffect(this.#host, this.#user, { run: this.id, ...effect }, capture(resolution), { ...options })
  }

  async #submit(type: 'pause' | 'resume' | 'cancel', options: CommandOptions): Promise<void> {
    checkCommand(`run.${type}`, options)
    await this.#host.submit(this.#user, this.id, { type, by: 'host' }, options)
  }
}
