/**
 * Forks a run: applies `transition` to its recorded inputs up to an event under a new id, with the edits. Ended steps
 * are not executed again. Open steps continue in the fork: waiting steps with their records, other steps from their
 * start. The shared context is not forked: entries that the run wrote stay as they are.
 */

import { type Agent, editedRouting, type Outcome } from '../../../agents/index.ts'
import {
  checkName,
  checkSignal,
  invalidInput,
  type Json,
  sampledField,
  show,
  spanIdOf,
  TimeSlice,
  type TraceContext,
  traceIdOfRoot,
  type UserId,
} from '../../../core/index.ts'
import { type JournalRecord, runJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { lowerLimits, type RunLimits } from '../../../topology/index.ts'
import { totalUsage } from '../../machine/budgets/total-usage.ts'
import type { Event, Input, InputOf, Pinned, StepUsage } from '../../machine/machine-events.ts'
import { checkAnswer, outcomeProblem } from '../../machine/people/check-answer.ts'
import { createState, hasEnded, type State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { transition } from '../../machine/transition.ts'
import { rejoinBudgets } from '../budgets/join-budgets.ts'
import { pinnedCallOf } from '../calls/pinned-call.ts'
import { type Parent, parentOf, withParent } from '../children/parent.ts'
import { withCallerSpan } from '../events/run-trace.ts'
import { RunOwner } from '../execution/run-owner.ts'
import { StepLauncher } from '../execution/steps/step-launcher.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { isOfCaller, withCaller } from '../starts/of-caller.ts'
import { encodeRecord, type RunRecord, readRecord } from '../store/run-record.ts'
import { editedAgents, rejectIneffective, rejectUnknown } from './edited-agents.ts'
import type { ForkOptions } from './fork-options.ts'
import { forkSteps, type SharedLog, sharedCalls } from './fork-steps.ts'
import type { ForkedSteps } from './forked-steps.ts'
import { rejectRepeated } from './reject-repeated.ts'
import { rejectReverted } from './reject-reverted.ts'
import { rejectUnused } from './reject-unused.ts'
import { withoutUnusedApprovals } from './without-unused-approvals.ts'

export interface ForkedSpec {
  readonly run: string
  readonly owner: RunOwner
  readonly launcher: StepLauncher
  readonly events: readonly Event[]
  readonly statements: readonly Statement[]
}

type Edit = NonNullable<ForkOptions['edit']>

/** The source of a fork, with its code. */
export interface ForkSource {
  readonly run: string
  /** The records of its journal, from the first. */
  readonly records: readonly JournalRecord[]
  readonly pinned: Pinned
  readonly agents: ReadonlyMap<string, Agent>
}

/** A fork that retries a failed run. */
export interface Retry {
  readonly step?: string
  /** Replaces the config of the source. */
  readonly budget: Partial<Pinned['config']['budget']>
  /** The parent, if the run is retried together with its parent. */
  readonly parent?: Parent
}

/**
 * @param options as `readFork` returns them
 * @param retry open steps continue with all of their records, and the usage of the source counts
 * @throws CancelledError if the signal of the options has aborted meanwhile
 */
export async function forkRun(
  parts: OrchestraParts,
  user: UserId,
  source: ForkSource,
  options: ForkOptions,
  retry?: Retry,
): Promise<ForkedSpec> {
  const run = options.id === undefined ? parts.platform.ids.next() : checkName('run', options.id)
  const at = parts.platform.clock.now()
  const { edit, fork, state, records, events, logs } = await shareHistory(
    parts,
    user,
    { ...source, fork: run, at },
    { options, retry },
  )
  rejectIneffective(source.agents, edit)
  rejectUnknown(edit, parts.agents.services.external.models)
  const agents = editedAgents(source.agents, edit)
  const { pinned, task } = viewOf(state)
  const launcher = new StepLauncher(parts, { user, run, pinned, agents })
  const { writer, fragment } = parts.journal.journals.create(
    user,
    runJournal(run),
    'run',
    at,
    records.map(encodeRecord),
  )
  const owner = new RunOwner(parts, { user, run, writer, state, pinned, launcher, lastSeq: events.length, lastAt: at })
  const shared = await forkSteps(parts, fork, logs)
  if (!hasEnded(state)) {
    const sharedRecords = { events, calls: sharedCalls(logs) }
    await rejectReverted(parts, user, source, sharedRecords)
    if (!fork.repeat) await rejectRepeated(parts, user, source, sharedRecords)
  }
  const statements = [
    ...parts.stores.store.insert(user, run, {
      tags: [`${retry ? 'retry' : 'fork'}:${source.run}`],
      agents: Object.keys(pinned.fingerprints),
      parent: parentOf(pinned),
      team: parts.agents.teamOf(pinned.topology),
      task,
    }),
    ...(parentOf(pinned) === undefined ? (parts.settings.dailyUsage?.startRun(user) ?? []) : []),
    ...fragment.statements,
    ...parts.stores.budgets.open(user, run, pinned.config.budget, retry && usedBy(state)),
    ...rejoinBudgets(parts.stores.sharedBudgets, user, run, state),
    ...shared,
    ...(await new TimeSlice(parts.platform.clock).finish(owner.founding(at), 1)),
    ...auditStatements(parts, fork, options),
  ]
  checkSignal('orchestra.fork', options.signal)
  return { run, owner, launcher, events, statements }
}

/** A fork that shares the history of its source, before anything is written. */
export interface SharedHistory {
  readonly edit: Edit
  readonly fork: ForkedSteps
  readonly state: State
  readonly records: readonly RunRecord[]
  readonly events: readonly Event[]
  readonly logs: ReadonlyMap<string, SharedLog>
}

/**
 * @param source.fork the id of the fork
 * @param source.at the time of the fork, in ms since 1970
 */
export async function shareHistory(
  parts: OrchestraParts,
  user: UserId,
  source: Pick<ForkSource, 'run' | 'records' | 'pinned'> & { readonly fork: string; readonly at: number },
  { options, retry }: { readonly options: ForkOptions; readonly retry?: Retry | undefined },
): Promise<SharedHistory> {
  const edit = options.edit ?? {}
  const { fork: run, at } = source
  const inputs = inputsOf(source, options.at)
  const shift = at - (inputs.at(-1)?.at ?? at)
  const sharePrefix = (withdrawn: ReadonlySet<string>) => {
    const prefix = new Prefix({ run: source.run, at: options.at }, edit, shift, {
      withdrawn,
      retry,
      limits: parts.settings.limits,
      isOfCaller: parts.agents.callers.sourceFor(user) !== undefined,
      callerSpan: spanAbove(parts, user, retry?.parent),
    })
    for (const input of inputs) if (!prefix.applyRecorded(input)) break
    prefix.completeOpenSteps(at)
    prefix.rejectUnused()
    const { state, records, answered } = prefix
    const events = records.flatMap((record) => record.events)
    const serving = new Set(events.flatMap((event) => (event.type === 'request.made' ? [event.step] : [])))
    const charged = new Set(events.flatMap((event) => (event.type === 'run.charged' ? [event.run] : [])))
    const all = retry !== undefined
    const repeat = options.repeat === true
    const fork: ForkedSteps = { user, source, run, state, answered, serving, charged, all, repeat }
    return { fork, state, records, events }
  }
  return { edit, ...(await withoutUnusedApprovals(parts, sharePrefix)) }
}

/** Returns the span above a fork: that of its caller, or of a child run the step of its parent, which is forked with it. */
function spanAbove({ platform }: OrchestraParts, user: UserId, parent: Parent | undefined): TraceContext | undefined {
  const caller = platform.events.surroundingSpan(user)
  if (!parent) return caller
  const root = runJournal(parent.above.at(-1) ?? parent.run)
  return {
    traceId: caller?.traceId ?? traceIdOfRoot(user, root),
    spanId: spanIdOf(user, parent.step),
    ...sampledField(caller),
  }
}

/** The troupe starts a child run that is retried together with its parent. */
function auditStatements(
  { reporting: { audit } }: OrchestraParts,
  fork: ForkedSteps,
  { edit }: ForkOptions,
): readonly Statement[] {
  const { user, run, source, state, all } = fork
  if (!audit) return []
  const written = (operation: string, resource: string) => audit.written(user, { actor: 'host', operation, resource })
  if (parentOf(viewOf(state).pinned))
    return audit.written(user, { actor: 'troupe', operation: 'run.start', resource: run })
  return [
    ...written(all ? 'run.retry' : 'run.fork', source.run),
    ...written('run.start', run),
    ...(edit === undefined ? [] : written('run.edit', run)),
  ]
}

/** The records of waiting steps have their usage, and the retry uses these records. */
function usedBy(state: State) {
  const { inputTokens, outputTokens, cost } = totalUsage(state)
  return { tokens: inputTokens + outputTokens, cost }
}

/** Returns the inputs up to the event, including the one that decided it. */
function inputsOf({ run, records }: { readonly run: string; readonly records: readonly JournalRecord[] }, seq: number) {
  const wrong = (problem: string) => invalidInput(`Forking run ${run} at ${show(seq)}`, problem)
  if (!Number.isSafeInteger(seq) || seq < 1) throw wrong('at must be the seq of one of its events')
  const bodies = records.map(({ body }) => readRecord(body))
  const last = Math.max(0, ...bodies.map(({ first = 0, events = [] }) => first + events.length - 1))
  if (seq > last) throw wrong(`it has ${last} events`)
  if (bodies[0]?.input?.type !== 'start') throw wrong('its first records are no longer stored')
  return bodies.flatMap(({ input, first }) => (input && first !== undefined && first <= seq ? [input] : []))
}

/** The shared prefix, decided again, with times shifted so that its last event is now. */
class Prefix {
  readonly state: State = createState()
  readonly records: RunRecord[] = []
  /** The waits that were answered before the fork's event, by step. */
  readonly answered = new Map<string, Set<string>>()
  readonly #edit: Edit
  readonly #shift: number
  readonly #source: { readonly run: string; readonly at: number }
  readonly #used = new Set<string>()
  readonly #retry: Retry | undefined
  readonly #withdrawn: ReadonlySet<string>
  readonly #limits: RunLimits
  readonly #isOfCaller: boolean
  readonly #callerSpan: TraceContext | undefined

  /**
   * @param how.isOfCaller true if a caller makes the fork
   * @param how.withdrawn questions whose recorded answers are not shared; they are open in the fork
   */
  constructor(
    source: { readonly run: string; readonly at: number },
    edit: Edit,
    shift: number,
    how: {
      readonly withdrawn: ReadonlySet<string>
      readonly retry: Retry | undefined
      readonly limits: RunLimits
      readonly isOfCaller: boolean
      readonly callerSpan: TraceContext | undefined
    },
  ) {
    this.#source = source
    this.#edit = edit
    this.#shift = shift
    this.#retry = how.retry
    this.#withdrawn = how.withdrawn
    this.#limits = how.limits
    this.#isOfCaller = how.isOfCaller
    this.#callerSpan = how.callerSpan
  }

  /** @returns false after the first changed input: later inputs may not fit any more */
  applyRecorded(recorded: Input): boolean {
    for (const { events } of this.records.slice(-1)) this.#remember(events)
    if (recorded.type === 'question.answered' && this.#withdrawn.has(recorded.question)) return true
    const at = recorded.at + this.#shift
    const input = this.#changed(this.#moved(withoutModels({ ...recorded, at })))
    if (input.type === 'question.answered') checkAnswer(this.state, input.question, input.value)
    this.apply(input)
    // The last answer of the run belongs to its failure.
    if (this.#retry) for (const { events } of this.records.slice(-1)) this.#remember(events)
    return this.#used.size === 0
  }

  apply(input: Input): void {
    const { events } = transition(this.state, input)
    if (events.length === 0) return
    const { first = 1, events: before = [] } = this.records.at(-1) ?? {}
    this.records.push({ input, events, first: first + before.length })
  }

  /** Applies the results of open steps and the answers of open questions. */
  completeOpenSteps(at: number): void {
    for (const step of [...viewOf(this.state).steps()]) {
      const found = this.#resultFor(step.id, step.agent)
      if (found && !step.serve)
        this.apply(this.#checked({ at, type: 'step.returned', step: step.id, outcome: editedRouting(found.value) }))
    }
    for (const [question, value] of Object.entries(this.#edit.answers ?? {})) {
      if (this.#used.has(`answer ${question}`) || !viewOf(this.state).question(question)) continue
      this.#rejectApproval(question)
      checkAnswer(this.state, question, value)
      this.#used.add(`answer ${question}`)
      this.apply({ at, type: 'question.answered', question, value, by: 'fork' })
    }
  }

  /** An edit that changes nothing is a mistake. */
  rejectUnused(): void {
    const events = this.records.flatMap((record) => record.events)
    rejectUnused(this.#source, this.#edit, this.#used, events)
  }

  #moved(input: Input): Input {
    if (input.type === 'request.made' && input.deadline !== undefined)
      return { ...input, deadline: input.deadline + this.#shift }
    if (input.type !== 'start') return input
    // The thread may have gone on since: a fork gets what the run had read, and appends nothing.
    const { more: _, thread: __, ...pinned } = input.pinned
    const toolCall = pinnedCallOf(input.pinned)
    const { budget = {}, parent, ...retryOptions } = this.#retry ?? {}
    const fork = { ...this.#source, ...(this.#retry ? { retry: retryOptions } : {}) }
    const config = { ...pinned.config, budget: lowerLimits({ ...pinned.config.budget, ...budget }, this.#limits) }
    const forked = { ...pinned, config, more: { fork, ...(toolCall ? { toolCall } : {}) } }
    const owned = this.#isOfCaller || isOfCaller(input.pinned) ? withCaller(forked) : forked
    const traced = withCallerSpan(owned, this.#callerSpan)
    return { ...input, pinned: parent ? withParent(traced, parent) : traced }
  }

  #changed(input: Input): Input {
    const { answers } = this.#edit
    if (input.type === 'question.answered' && answers && Object.hasOwn(answers, input.question)) {
      this.#rejectApproval(input.question)
      this.#used.add(`answer ${input.question}`)
      return { ...input, value: answers[input.question] as Json, by: 'fork' }
    }
    if (input.type !== 'step.returned' && input.type !== 'step.failed') return input
    const step = viewOf(this.state).step(input.step)
    const found = step && !step.serve ? this.#resultFor(step.id, step.agent) : undefined
    return found ? this.#checked(returnedWith(input, found.value)) : input
  }

  /** @throws ValidationError for an edited result with which the step cannot end */
  #checked(input: InputOf<'step.returned'>): Input {
    const problem = outcomeProblem(this.state, input.step, input.outcome)
    if (problem === undefined) return input
    throw invalidInput(`Forking run ${this.#source.run} at ${this.#source.at}`, problem)
  }

  /** An approval comes only from a person who is asked, and only `run.answer` records the person. */
  #rejectApproval(question: string): void {
    if (viewOf(this.state).question(question)?.ask.kind !== 'approval') return
    throw invalidInput(
      `Forking run ${this.#source.run} at ${this.#source.at}`,
      `the question ${question} is an approval, which no edit gives; answer it in the fork`,
    )
  }

  #resultFor(step: string, agent: string): { readonly value: unknown } | undefined {
    const { results = {} } = this.#edit
    const key = [step, agent].find((each) => Object.hasOwn(results, each) && !this.#used.has(`result ${each}`))
    if (key === undefined) return undefined
    this.#used.add(`result ${key}`)
    return { value: results[key] }
  }

  #remember(events: readonly Event[]): void {
    for (const event of events)
      if (event.type === 'answer.delivered')
        this.answered.set(event.step, (this.answered.get(event.step) ?? new Set()).add(event.wait))
  }
}

/** The source counts the calls of its steps by model; the fork counts its own. */
function withoutModels(input: Input): Input {
  if (!('usage' in input) || !input.usage) return input
  const { models: _, ...usage } = input.usage as StepUsage
  return { ...input, usage } as Input
}

/** A plain value takes the same edge as the value that it replaces. */
function returnedWith(input: InputOf<'step.returned' | 'step.failed'>, value: unknown): InputOf<'step.returned'> {
  const { at, step } = input
  const usage = input.usage ? { usage: input.usage } : {}
  const routing = editedRouting(value)
  const was = 'outcome' in input ? input.outcome.kind : 'value'
  const outcome: Outcome =
    routing.kind === 'value' && was === 'finish' ? { kind: 'finish', value: routing.value } : routing
  return { at, type: 'step.returned', step, outcome, ...usage }
}
