/**
 * A decision in progress: its events so far, which are already folded into the state, the records that they changed and that
 * must still be examined, and the commands that they opened and closed.
 */
import type { StoredError, WorkInParts } from '../../core/index.ts'
import type { GraphEdge, GraphNode, PinnedConfig } from '../../topology/index.ts'
import type { Branch, Group } from './branches/branches-slice.ts'
import { nodeIn } from './branches/flow.ts'
import { isWorkTimer } from './clocks/run-time.ts'
import { immediateCommandsOf, type OutstandingCommand, outstandingOf } from './commands-of.ts'
import { evolve } from './evolve.ts'
import type { JoinState } from './joins/joins-slice.ts'
import type { AgentPath } from './labels/agent-path.ts'
import type {
  BranchId,
  Cancellation,
  Command,
  Event,
  Guard,
  JoinId,
  QuestionId,
  QuestionRef,
  Result,
  StepEnding,
  StepId,
  Untimed,
} from './machine-events.ts'
import { timerCommand } from './pending.ts'
import { type EndedStart, startOfEnded } from './run/start-of-ended.ts'
import { hasEnded, must, type State } from './state.ts'

/** An arrival at a join node. It is assigned to a join once all arrivals of this decision are known. */
export interface Arrival {
  readonly group: string
  readonly node: string
  /** The branch that arrived; absent if a request was sent there, or if a branch failed on its way. */
  readonly branch?: BranchId
  /** The id under which it continues alone if no other branch arrives. */
  readonly child: BranchId
  readonly parent?: BranchId
  readonly order: readonly number[]
  readonly depth: number
  readonly result: Result
  /** A person decided to continue without the branch. */
  readonly errorHandled?: true
  readonly edge?: GraphEdge
}

/** Deferred work of the same decision, executed in the order in which it was deferred. */
export type DecisionTask =
  | { readonly do: 'branch.fail'; readonly branch: BranchId; readonly error: StoredError; readonly fatal?: boolean }
  | { readonly do: 'scope.fail'; readonly group: string; readonly error: StoredError; readonly fatal: boolean }
  | { readonly do: 'branch.cancel'; readonly branch: BranchId; readonly cancellation: Cancellation }
  | { readonly do: 'branch.stop'; readonly branch: BranchId }
  | { readonly do: 'scope.cancel'; readonly group: string; readonly cancellation: Cancellation }
  | { readonly do: 'run.cancel'; readonly cancellation: Cancellation; readonly guard?: Guard; readonly by?: string }
  | { readonly do: 'step.end'; readonly step: StepId; readonly ending: StepEnding }

export class RunDecision {
  readonly state: State
  readonly at: number
  readonly events: Event[] = []
  /** The agent path of each event at that time. */
  readonly paths: AgentPath[] = []
  /** For each event that ends something, when that started. */
  readonly beginnings: (EndedStart | undefined)[] = []
  readonly groups = new Set<string>()
  readonly joins = new Set<JoinId>()
  readonly arrivals: Arrival[] = []
  readonly changed = {
    branches: new Set<BranchId>(),
    steps: new Set<StepId>(),
    joins: new Set<JoinId>(),
    questions: new Set<string>(),
  }

  /** The hash of the outcome that is decided about; undefined without the guard `noProgress`. */
  progressHash: string | undefined
  /** True while an event is folded: a fold that throws leaves an inconsistent state. */
  isFolding = false
  readonly #rest: WorkInParts<void>[] = []
  readonly #tasks: DecisionTask[] = []
  #nextTask = 0
  /** The commands that events opened or closed, by key. */
  readonly #outstanding = new Map<string, OutstandingCommand>()
  /** For each timer that events set or cleared: whether it could become due before the decision. */
  readonly #timers = new Map<string, boolean>()
  /** Whether the clocks of work were stopped before it. */
  readonly #wasStopped: boolean
  readonly #immediate: Command[] = []

  constructor(state: State, at: number) {
    this.state = state
    this.#wasStopped = state.clocks.stoppedAt !== undefined
    this.at = at
  }

  get config(): PinnedConfig {
    return this.state.run.pinned.config
  }

  emit(bare: Untimed<Event>): void {
    if (bare.type === 'join.closed') this.groups.add(this.joinState(bare.joinId).group)
    if (hasEnded(this.state)) throw new Error(`${bare.type} after the end of the run`)
    const event = { ...bare, at: this.at } as Event
    const command = outstandingOf(event)
    if (command) this.#outstanding.set(command.key, command)
    if ((event.type === 'timer.set' || event.type === 'timer.cleared') && !this.#timers.has(event.name))
      this.#timers.set(event.name, this.#couldCome(event.name))
    this.isFolding = true
    const beginning = startOfEnded(this.state, event)
    const path = evolve(this.state, event)
    this.isFolding = false
    this.events.push(event)
    this.paths.push(path)
    this.beginnings.push(beginning)
    for (const immediate of immediateCommandsOf(event, this.state.run.seq)) this.#immediate.push(immediate)
    if ('branch' in event && event.branch !== undefined) this.changed.branches.add(event.branch)
    if ('step' in event && event.step !== undefined) this.changed.steps.add(event.step)
    if ('joinId' in event && event.joinId !== undefined) {
      this.changed.joins.add(event.joinId)
      this.joins.add(event.joinId)
    }
    if ('question' in event) this.changed.questions.add(event.question)
    if (event.type.startsWith('branch.') && event.type !== 'branch.started' && 'branch' in event)
      this.groups.add(this.branch(event.branch as BranchId).group)
    if (event.type === 'group.failed' || event.type === 'join.opened') this.groups.add(event.group)
  }

  /** Does work over many branches in parts, before any deferred task. It must be the last of its input or task. */
  inParts(work: WorkInParts<void>): void {
    this.#rest.push(work)
  }

  *finishRest(): WorkInParts<void> {
    for (let work = this.#rest.shift(); work; work = this.#rest.shift()) yield* work
  }

  later(task: DecisionTask): void {
    this.#tasks.push(task)
  }

  /** First in, first out. */
  nextTask(): DecisionTask | undefined {
    const task = this.#tasks[this.#nextTask]
    if (task) this.#nextTask++
    return task
  }

  /** A command that is opened and closed in one decision is omitted. */
  commands(): readonly Command[] {
    if (hasEnded(this.state)) return [...this.#clearedTimers(), ...this.#immediate]
    const opened = [...this.#outstanding.values()].flatMap((command) => command.in(this.state) ?? [])
    return [...opened, ...this.#timerCommands(), ...this.#immediate]
  }

  /** An ended run has no timers: a remaining timer would be read by each query of due timers. */
  #clearedTimers(): readonly Command[] {
    const names = new Set([...this.#timers.keys(), ...this.state.clocks.timers.keys()])
    return [...names].map((name) => this.#clearCommand(name))
  }

  #clearCommand(name: string): Command {
    return { id: `timer ${name} cleared ${this.state.run.seq}`, type: 'timer.clear', name }
  }

  /** When the clocks of work stop or start, all timers that count work time stop or start. */
  #timerCommands(): readonly Command[] {
    const { clocks } = this.state
    if (this.#wasStopped !== (clocks.stoppedAt !== undefined))
      for (const name of clocks.timers.keys())
        if (isWorkTimer(name) && !this.#timers.has(name)) this.#timers.set(name, this.#couldCome(name))
    return [...this.#timers].flatMap(([name, couldCome]): Command | readonly Command[] => {
      const command = timerCommand(this.state, name)
      if (command) return command
      return couldCome ? this.#clearCommand(name) : []
    })
  }

  #couldCome(name: string): boolean {
    return this.state.clocks.timers.get(name)?.due !== undefined && !(this.#wasStopped && isWorkTimer(name))
  }

  branch(id: BranchId): Branch {
    return must(this.state.branches.all.get(id), `branch ${id}`)
  }

  joinState(id: JoinId): JoinState {
    return must(this.state.joins.open.get(id), `join ${id}`)
  }

  /** Returns the fields by which events name a question. */
  asked(id: QuestionId): QuestionRef {
    const { branch, agent, step } = must(this.state.questions.open.get(id), id)
    return { question: id, branch, agent, ...(step === undefined ? {} : { step }) }
  }

  groupOf(branch: Branch): Group {
    return must(this.state.branches.groups.get(branch.group), `group ${branch.group}`)
  }

  node(name: string): GraphNode {
    return nodeIn(this.state, name)
  }

  label(branch: Branch): string {
    return this.node(branch.node).label
  }

  /** Returns whether no new work may start in it, because it or the run is being cancelled. */
  isStopping(group: Group): boolean {
    return (
      this.state.run.cancellation !== undefined || this.state.run.guard !== undefined || group.failing !== undefined
    )
  }
}

export const failedResult = (agent: string, error: StoredError): Result => ({ agent, success: false, error })
