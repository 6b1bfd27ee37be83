/**
 * Forks a run: its recorded inputs up to a place go through `transition` again under a new id, with what is to be different.
 * What had settled by then is not done again; steps that were open go on in the fork: those that waited with what they
 * had recorded, others from their start. The shared context is not forked: what the run wrote there stays as it is now.
 */

import { type Agent, editedRouting, type LlmAgentOptions, type Outcome } from '../../../agents/index.ts'
import {
  checkName,
  checkOptions,
  checkSignal,
  failure,
  fieldOf,
  isPlainObject,
  type Json,
  show,
  type UserId,
} from '../../../core/index.ts'
import type { JournalRecord } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { lowerLimits, type RunLimits } from '../../../topology/index.ts'
import { totalUsage } from '../../machine/budgets/total-usage.ts'
import type { Event, Input, InputOf, Pinned } from '../../machine/machine-events.ts'
import { checkAnswer } from '../../machine/people/check-answer.ts'
import { createState, hasEnded, type State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { transition } from '../../machine/transition.ts'
import { rejoinBudgets } from '../budgets/join-budgets.ts'
import { type Parent, parentOf, withParent } from '../children/parent.ts'
import { RunOwner } from '../execution/run-owner.ts'
import { StepLauncher } from '../execution/steps/step-launcher.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { runJournal } from '../store/run-journals.ts'
import { encodeRecord, type RunRecord, readRecord } from '../store/run-record.ts'
import { editedAgents, rejectIneffective, rejectUnknown } from './edited-agents.ts'
import { forkSteps } from './fork-steps.ts'
import type { ForkedSteps } from './forked-steps.ts'
import { rejectRepeated } from './reject-repeated.ts'
import { withoutUnusedApprovals } from './without-unused-approvals.ts'

export interface ForkOptions {
  /** The `seq` of an event: what was decided with it is the last that the fork shares. */
  readonly at: number
  /** Of the fork; made where absent. */
  readonly id?: string
  /** Carries out `at-most-once` effects that the source began after `at` once more; false by default, which rejects them. */
  readonly repeat?: boolean
  readonly signal?: AbortSignal
  readonly edit?: {
    /** By step, or agent: what it returns instead. Of a step that is open at `at`: it is not carried out. */
    readonly results?: { readonly [stepOrAgent: string]: unknown }
    /** By LlmAgent, helpers and those in pools too: its instructions from here on, in this process. */
    readonly prompts?: { readonly [agent: string]: string }
    /** By question. */
    readonly answers?: { readonly [question: string]: Json }
    /** Of all LlmAgents, helpers and those in pools too, from here on, in this process. */
    readonly model?: LlmAgentOptions['model']
  }
}

export interface ForkedSpec {
  readonly run: string
  readonly owner: RunOwner
  readonly launcher: StepLauncher
  readonly events: readonly Event[]
  readonly statements: readonly Statement[]
}

type Edit = NonNullable<ForkOptions['edit']>

/** The run that is forked, with its code. */
export interface ForkSource {
  readonly run: string
  /** Of its journal, from its first. */
  readonly records: readonly JournalRecord[]
  readonly pinned: Pinned
  readonly agents: ReadonlyMap<string, Agent>
}

/** A fork that tries a failure again. */
export interface Retry {
  readonly step?: string
  /** In place of what the run was started with. */
  readonly budget: Partial<Pinned['config']['budget']>
  /** Of a run that is tried again with the one above. */
  readonly parent?: Parent
}

/** @param retry steps that are open then go on with all that they had recorded, and what was used counts */
export async function forkRun(
  parts: OrchestraParts,
  user: UserId,
  source: ForkSource,
  options: ForkOptions,
  retry?: Retry,
): Promise<ForkedSpec> {
  checkFork(options)
  checkSignal('orchestra.fork', options.signal)
  const edit = options.edit ?? {}
  checkOptions('orchestra.fork.edit', edit, ['results', 'prompts', 'answers', 'model'])
  const run = options.id === undefined ? parts.ids.next() : checkName('run', options.id)
  const at = parts.clock.now()
  const inputs = inputsOf(source, options.at)
  const shift = at - (inputs.at(-1)?.at ?? at)
  const sharePrefix = (withdrawn: ReadonlySet<string>) => {
    const prefix = new Prefix({ run: source.run, at: options.at }, edit, shift, {
      withdrawn,
      retry,
      limits: parts.limits,
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
  const { fork, state, records, events, logs } = await withoutUnusedApprovals(parts, sharePrefix)
  rejectIneffective(source.agents, edit)
  rejectUnknown(edit, parts.services.models)
  const agents = editedAgents(source.agents, edit)
  const { pinned, task } = viewOf(state)
  const launcher = new StepLauncher(parts, user, run, pinned, agents)
  const { writer, fragment } = parts.journals.create(user, runJournal(run), 'run', at, records.map(encodeRecord))
  const owner = new RunOwner(parts, { user, run, writer, state, pinned, launcher, lastSeq: events.length, lastAt: at })
  const shared = await forkSteps(parts, fork, logs)
  if (!fork.repeat && !hasEnded(state)) await rejectRepeated(parts, user, source, { events, calls: shared.calls })
  const statements = [
    ...parts.store.insert(user, run, {
      tags: [`${retry ? 'retry' : 'fork'}:${source.run}`],
      agents: Object.keys(pinned.fingerprints),
      parent: parentOf(pinned),
      team: parts.teamOf(pinned.topology),
      task,
    }),
    ...(parentOf(pinned) === undefined ? (parts.dailyUsage?.startRun(user) ?? []) : []),
    ...fragment.statements,
    ...parts.budgets.open(user, run, pinned.config.budget, retry && usedBy(state)),
    ...rejoinBudgets(parts.sharedBudgets, user, run, state),
    ...shared.statements,
    ...owner.founding(at),
    ...auditStatements(parts, fork, options),
  ]
  return { run, owner, launcher, events, statements }
}

function checkFork(options: ForkOptions | undefined): void {
  const what = 'orchestra.fork'
  if (options === undefined || (isPlainObject(options) && fieldOf(options, 'at') === undefined))
    throw failure('validation.failed', {
      what,
      problem: 'it needs { at }, the seq of the last event that the fork shares; run.events() has them',
    })
  checkOptions(what, options, ['at', 'edit', 'id', 'repeat', 'signal'])
  if (options.repeat !== undefined && typeof options.repeat !== 'boolean')
    throw failure('validation.failed', { what: `${what}.repeat`, problem: 'it is neither true nor false' })
}

/** A child run that is tried again with the one above it is begun by the troupe. */
function auditStatements({ audit }: OrchestraParts, fork: ForkedSteps, { edit }: ForkOptions): readonly Statement[] {
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

/** What steps that wait have used is in their records, which the retry is answered from. */
function usedBy(state: State) {
  const { inputTokens, outputTokens, cost } = totalUsage(state)
  return { tokens: inputTokens + outputTokens, cost }
}

/** Those that were decided upon up to the event, and the one with it. */
function inputsOf({ run, records }: { readonly run: string; readonly records: readonly JournalRecord[] }, seq: number) {
  const wrong = (problem: string) =>
    failure('validation.failed', { what: `Forking run ${run} at ${show(seq)}`, problem })
  if (!Number.isSafeInteger(seq) || seq < 1) throw wrong('at must be the seq of one of its events')
  const bodies = records.map(({ body }) => readRecord(body))
  const last = Math.max(0, ...bodies.map(({ first = 0, events = [] }) => first + events.length - 1))
  if (seq > last) throw wrong(`it has ${last} events`)
  if (bodies[0]?.input?.type !== 'start') throw wrong('its first records are not kept any more')
  return bodies.flatMap(({ input, first }) => (input && first !== undefined && first <= seq ? [input] : []))
}

/** What the fork shares with its source, decided again, shifted so that its last moment is now. */
class Prefix {
  readonly state: State = createState()
  readonly records: RunRecord[] = []
  /** Waits whose answers the step had been given before the place of the fork, by step. */
  readonly answered = new Map<string, Set<string>>()
  readonly #edit: Edit
  readonly #shift: number
  readonly #source: { readonly run: string; readonly at: number }
  readonly #used = new Set<string>()
  readonly #retry: Retry | undefined
  readonly #withdrawn: ReadonlySet<string>
  readonly #limits: RunLimits

  /** @param how.withdrawn questions whose recorded answers are not shared: they are open in the fork */
  constructor(
    source: { readonly run: string; readonly at: number },
    edit: Edit,
    shift: number,
    how: {
      readonly withdrawn: ReadonlySet<string>
      readonly retry: Retry | undefined
      readonly limits: RunLimits
    },
  ) {
    this.#source = source
    this.#edit = edit
    this.#shift = shift
    this.#retry = how.retry
    this.#withdrawn = how.withdrawn
    this.#limits = how.limits
  }

  /** @returns false after the first that was changed: what came after it may not fit any more */
  applyRecorded(recorded: Input): boolean {
    for (const { events } of this.records.slice(-1)) this.#remember(events)
    if (recorded.type === 'question.answered' && this.#withdrawn.has(recorded.question)) return true
    const at = recorded.at + this.#shift
    const input = this.#changed(this.#moved({ ...recorded, at }))
    if (input.type === 'question.answered') checkAnswer(this.state, input.question, input.value)
    this.apply(input)
    // What the run was answered last is part of what it failed with.
    if (this.#retry) for (const { events } of this.records.slice(-1)) this.#remember(events)
    return this.#used.size === 0
  }

  apply(input: Input): void {
    const { events } = transition(this.state, input)
    if (events.length === 0) return
    const { first = 1, events: before = [] } = this.records.at(-1) ?? {}
    this.records.push({ input, events, first: first + before.length })
  }

  /** Steps that are open, and questions, for which a result or an answer is given. */
  completeOpenSteps(at: number): void {
    for (const step of [...viewOf(this.state).steps()]) {
      const found = this.#resultFor(step.id, step.agent)
      if (found && !step.serve)
        this.apply({ at, type: 'step.returned', step: step.id, outcome: editedRouting(found.value) })
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
    const editPaths = [
      ...Object.keys(this.#edit.results ?? {}).map((key) => `result ${key}`),
      ...Object.keys(this.#edit.answers ?? {}).map((key) => `answer ${key}`),
    ]
    const unused = editPaths.filter((each) => !this.#used.has(each))
    if (unused.length > 0)
      throw failure('validation.failed', {
        what: `Forking run ${this.#source.run} at ${this.#source.at}`,
        problem: `nothing there takes the ${unused.join(', the ')}`,
      })
  }

  #moved(input: Input): Input {
    if (input.type === 'request.made' && input.deadline !== undefined)
      return { ...input, deadline: input.deadline + this.#shift }
    if (input.type !== 'start') return input
    const { more: _, ...pinned } = input.pinned
    const { budget = {}, parent, ...retryOptions } = this.#retry ?? {}
    const fork = { ...this.#source, ...(this.#retry ? { retry: retryOptions } : {}) }
    const config = { ...pinned.config, budget: lowerLimits({ ...pinned.config.budget, ...budget }, this.#limits) }
    const forked = { ...pinned, config, more: { fork } }
    return { ...input, pinned: parent ? withParent(forked, parent) : forked }
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
    return found ? returnedWith(input, found.value) : input
  }

  /** Only a person who is asked gives an approval, and only `run.answer` records who that was. */
  #rejectApproval(question: string): void {
    if (viewOf(this.state).question(question)?.ask.kind !== 'approval') return
    throw failure('validation.failed', {
      what: `Forking run ${this.#source.run} at ${this.#source.at}`,
      problem: `the question ${question} is an approval, which no edit gives; answer it in the fork`,
    })
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

/** A plain value goes the way of the value that it replaces. */
function returnedWith(input: InputOf<'step.returned' | 'step.failed'>, value: unknown): Input {
  const { at, step } = input
  const usage = input.usage ? { usage: input.usage } : {}
  const routing = editedRouting(value)
  const was = 'outcome' in input ? input.outcome.kind : 'value'
  const outcome: Outcome =
    routing.kind === 'value' && was === 'finish' ? { kind: 'finish', value: routing.value } : routing
  return { at, type: 'step.returned', step, outcome, ...usage }
}
