/** A run without a shell: agents are functions, time is a number. Plays the core's commands and records everything. */
import type { Outcome, Question } from '../../agents/index.ts'
import { type Json, joinTaint, type StoredError, type TaintLabel, taintField } from '../../core/index.ts'
import { type RunConfig, readConfig } from '../../topology/canonical/run-config.ts'
import { defineTopology, type TopologyForm } from '../../topology/define-topology.ts'
import { isWallClockTimer, timeOf, wallTimeOf } from './clocks/run-time.ts'
import type { AgentPath } from './labels/agent-path.ts'
import type { Command, Event, EventOf, EventType, Input, Pinned, StepUsage } from './machine-events.ts'
import { pending } from './pending.ts'
import { expectCountsToHold } from './recount.test.fixture.ts'
import { deriveStatus, runAccountOf } from './run/run-account.ts'
import { createState, hasEnded, type State } from './state.ts'
import { transition } from './transition.ts'

type Execute = Extract<Command, { type: 'step.execute' }>
export type Play = {
  /** ms until the end. */
  readonly after?: number
  readonly usage?: StepUsage
  /** How long it takes to stop when recalled; Infinity: it never does. */
  readonly stopsAfter?: number
  /** What it reads, besides what it was given. */
  readonly reads?: readonly TaintLabel[]
  /** Vouches that nothing of what it was given is left. */
  readonly vouches?: boolean
} & (
  | { readonly outcome: Outcome }
  | { readonly error: StoredError }
  /** Asks a person, parks, and ends with what `next` makes of the answer. */
  | { readonly ask: Question; readonly next: (answer: Json | StoredError) => Play }
  | {
      readonly request: { readonly to: string; readonly payload: Json; readonly deadlineAfter?: number }
      readonly next: (answer: Json | StoredError) => Play
    }
)
export type AgentStub = (input: Json, command: Execute, n: number) => Play

export const value = (v: Json, after = 0): Play => ({ outcome: { kind: 'value', value: v }, after })
export const finish = (v: Json, after = 0): Play => ({ outcome: { kind: 'finish', value: v }, after })
export const invoke = (...targets: readonly [string, Json][]): Play => ({
  outcome: { kind: 'invoke', targets: targets.map(([agent, input]) => ({ agent, input })) },
})
export const handOff = (agent: string, input: Json, after = 0): Play => ({
  outcome: { kind: 'handOff', agent, input },
  after,
})
export const fails = (message: string, after = 0, code = 'agent.failed', name = 'AgentError'): Play => ({
  error: { name, code, message, retryable: false },
  after,
})

interface Item {
  at: number
  readonly order: number
  readonly what:
    | { readonly input: Input }
    | { readonly step: string; readonly play: Play }
    | { readonly timer: string; readonly due: number }
}

export class MachineTestbed {
  readonly pinned: Pinned
  state: State = createState()
  now = 1_000
  readonly records: { readonly input: Input; readonly events: readonly Event[] }[] = []
  readonly events: Event[] = []
  /** Of each event. */
  readonly paths: AgentPath[] = []
  readonly calls: { readonly agent: string; readonly input: Json; readonly command: Execute }[] = []
  readonly #stubs: { readonly [agent: string]: AgentStub }
  readonly #carried = new Set<string>()
  /** What each step holds. */
  readonly #taints = new Map<string, readonly TaintLabel[]>()
  readonly #asking = new Map<string, { readonly wait: string; readonly next: (answer: Json | StoredError) => Play }>()
  #items: Item[] = []
  #order = 0
  #waits = 0
  peak = 0

  constructor(
    topology: TopologyForm,
    stubs: { readonly [agent: string]: AgentStub },
    config: RunConfig = {},
    task: Json = 'go',
    taint: readonly TaintLabel[] = [],
  ) {
    const { canonical } = defineTopology(topology)
    this.#stubs = stubs
    this.pinned = { topology: canonical, config: readConfig(config, canonical), fingerprints: {} }
    this.apply({ at: this.now, type: 'start', task, pinned: this.pinned, ...taintField(taint) })
  }

  apply(input: Input): readonly Event[] {
    const { events, paths, commands } = transition(this.state, input)
    this.paths.push(...paths)
    this.records.push({ input, events })
    for (const event of events) this.events.push(event)
    for (const command of commands) if (command.type === 'timers.shift') this.#shiftTimers(command.gap)
    for (const command of commands) this.carryOut(command)
    if (!hasEnded(this.state) && this.state.graph && this.state.branches.all.size < 200) expectCountsToHold(this.state)
    this.peak = Math.max(this.peak, this.state.steps.parallel)
    return events
  }

  #setTimer(command: Extract<Command, { type: 'timer.set' | 'timer.clear' }>): void {
    const { name } = command
    this.#items = this.#items.filter(({ what }) => !('timer' in what) || what.timer !== name)
    if (command.type === 'timer.clear') return
    const { due } = command
    this.#at(wallTimeOf(this.state, name, due) - this.now, { timer: name, due })
  }

  /** How long a timer has left. */
  remainingMs(name: string): number | undefined {
    const timer = this.state.clocks.timers.get(name)
    return timer?.due === undefined ? timer?.remainingMs : timer.due - timeOf(this.state, name, this.now)
  }

  /** As rows of timers in a storage are moved by a gap. */
  #shiftTimers(gap: number) {
    for (const item of this.#items) if ('timer' in item.what && !isWallClockTimer(item.what.timer)) item.at += gap
  }

  /** No process carries the run for so long; then one takes it over, in which its steps execute as before. */
  down(ms: number): readonly Event[] {
    for (const item of this.#items) if (!('timer' in item.what)) item.at += ms
    this.now += ms
    return this.apply({ at: this.now, type: 'run.claimed' })
  }

  /** As a shell that takes the run over from its journal would. */
  resume() {
    for (const command of pending(this.state)) this.carryOut(command)
  }

  carryOut(command: Command) {
    // Rows of timers are set and cleared as often as it is said.
    if (command.type === 'timer.set' || command.type === 'timer.clear') return this.#setTimer(command)
    if (this.#carried.has(command.id)) return
    this.#carried.add(command.id)
    switch (command.type) {
      case 'step.execute': {
        this.calls.push({ agent: command.agent, input: command.input, command })
        this.#taints.set(command.step, command.taint ?? [])
        const n = this.calls.filter((c) => c.agent === command.agent).length
        const stub = this.#stubs[command.agent]
        return this.#play(
          command.step,
          stub ? stub(command.input, command, n) : fails(`no script for ${command.agent}`),
        )
      }
      case 'step.cancel': {
        const playing = this.#items.find((i) => 'step' in i.what && i.what.step === command.step)
        const stops = playing && 'play' in playing.what ? (playing.what.play.stopsAfter ?? 0) : 0
        this.#items = this.#items.filter((i) => !('step' in i.what && i.what.step === command.step))
        this.#asking.delete(command.step)
        if (stops !== Number.POSITIVE_INFINITY)
          this.#at(stops, { input: { at: 0, type: 'step.failed', step: command.step, error: command.reason } })
        return
      }
      case 'children.cancel':
        return this.#at(0, { input: { at: 0, type: 'children.cancelled' } })
      case 'answer.deliver': {
        const asking = this.#asking.get(command.step)
        if (asking?.wait !== command.wait) return
        this.#asking.delete(command.step)
        const { answer, taint } = command
        this.#taints.set(command.step, joinTaint(this.#taints.get(command.step), taint))
        return this.#play(command.step, asking.next('value' in answer ? answer.value : answer.error))
      }
    }
  }

  #at(after: number, what: Item['what']): void {
    this.#items.push({ at: this.now + Math.max(0, after), order: ++this.#order, what })
  }

  #play(step: string, play: Play): void {
    this.#at(play.after ?? 0, { step, play })
  }

  #end(step: string, play: Play): void {
    const at = this.now
    const held = joinTaint(play.vouches ? [] : this.#taints.get(step), play.reads)
    this.#taints.set(step, held)
    const more = { ...(play.usage ? { usage: play.usage } : {}), ...taintField(held) }
    if ('outcome' in play) return void this.apply({ at, type: 'step.returned', step, outcome: play.outcome, ...more })
    if ('error' in play) return void this.apply({ at, type: 'step.failed', step, error: play.error, ...more })
    const wait = `w${++this.#waits}`
    this.#asking.set(step, { wait, next: play.next })
    if ('ask' in play) this.apply({ at, type: 'question.asked', step, wait, question: play.ask })
    else {
      const { to, payload, deadlineAfter } = play.request
      this.apply({
        at,
        type: 'request.made',
        step,
        wait,
        to,
        message: 'm',
        payload,
        ...(deadlineAfter === undefined ? {} : { deadline: at + deadlineAfter }),
        ...taintField(held),
      })
    }
    if (this.state.steps.open.has(step)) this.apply({ at, type: 'step.waiting', step, reason: 'parked' })
  }

  get idle(): boolean {
    return this.#items.length === 0
  }

  /** The next thing that happens; false when nothing is left. Timers that were cleared or moved are nothing. */
  next(): boolean {
    if (this.#items.length === 0) return false
    let best = 0
    for (let i = 1; i < this.#items.length; i++) {
      const [a, b] = [this.#items[i] as Item, this.#items[best] as Item]
      if (a.at < b.at || (a.at === b.at && a.order < b.order)) best = i
    }
    const item = this.#items.splice(best, 1)[0] as Item
    const { what } = item
    if ('timer' in what && this.state.clocks.timers.get(what.timer)?.due !== what.due) return true
    this.now = item.at
    if ('input' in what) this.apply({ ...what.input, at: this.now })
    else if ('timer' in what) this.apply({ at: this.now, type: 'timer', name: what.timer })
    else this.#end(what.step, what.play)
    return true
  }

  /** Until the run is over or waits, or until a time. */
  run(until = Number.POSITIVE_INFINITY): this {
    for (let i = 0; i < 200_000; i++) {
      if (deriveStatus(this.state).over) return this
      if (this.#items.length === 0 || Math.min(...this.#items.slice(0, 1_000).map((x) => x.at)) > until) {
        this.now = Math.max(this.now, until === Number.POSITIVE_INFINITY ? 0 : until)
        return this
      }
      this.next()
    }
    throw new Error('the run does not end')
  }

  /** Until it is over or waits for somebody. */
  runUntilIdle(): this {
    for (let i = 0; i < 200_000; i++) {
      if (deriveStatus(this.state).status !== 'running') return this
      if (!this.next()) throw new Error(`stuck: ${JSON.stringify(this.result)}`)
    }
    throw new Error('the run does not end')
  }

  answer(question: string, value: Json, taint: readonly TaintLabel[] = []): readonly Event[] {
    const answer = { question, value: value, by: 'ada', ...taintField(taint) }
    return this.apply({ at: this.now, type: 'question.answered', ...answer })
  }

  get result() {
    return runAccountOf(this.state, this.now)
  }

  of<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter((e): e is EventOf<T> => e.type === type)
  }

  inputsOf(agent: string): Json[] {
    return this.calls.filter((c) => c.agent === agent).map((c) => c.input)
  }
}

type Results = readonly { agent: string; success: boolean; value?: Json; error?: StoredError }[]
export const resultsIn = (input: Json): Results | undefined =>
  input !== null && typeof input === 'object' && !Array.isArray(input) && 'results' in input
    ? ((input as { results: Json }).results as unknown as Results)
    : undefined
export const valuesIn = (input: Json): Json[] => (resultsIn(input) ?? []).map((r) => r.value ?? null)
