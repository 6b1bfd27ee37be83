/**
 * One decision in the making: the events so far, already folded into the state (and taken back at its end), and what
 * they touched and is still to be looked at.
 */
import type { StoredError } from '../../core/index.ts'
import type { PinnedConfig } from './config.ts'
import { evolve } from './evolve.ts'
import type { GraphEdge, GraphNode } from './graph.ts'
import type {
  Asked,
  BarrierId,
  BranchId,
  Event,
  Guard,
  QuestionId,
  Recall,
  Result,
  StepEnding,
  StepId,
} from './model.ts'
import { type Barrier, type Branch, must, type Scope, type State } from './state.ts'
import { nodeIn } from './ways.ts'

type Bare<E> = E extends unknown ? Omit<E, 'at'> : never

/** Somebody comes to a node where branches meet; placed when all that this decision brings there is known. */
export interface Arrival {
  readonly scope: string
  readonly node: string
  /** The branch that came; absent where a request was sent there, or a branch failed on its way. */
  readonly branch?: BranchId
  /** The id under which it goes on alone, where nobody else comes. */
  readonly child: BranchId
  readonly parent?: BranchId
  readonly order: readonly number[]
  readonly depth: number
  readonly result: Result
  readonly edge?: GraphEdge
}

/** What is to be done next in the same decision; done in the order in which it was put off. */
export type Task =
  | { readonly do: 'branch.fail'; readonly branch: BranchId; readonly error: StoredError; readonly fatal?: boolean }
  | { readonly do: 'scope.fail'; readonly scope: string; readonly error: StoredError; readonly fatal: boolean }
  | { readonly do: 'branch.recall'; readonly branch: BranchId; readonly recall: Recall }
  | { readonly do: 'branch.stop'; readonly branch: BranchId }
  | { readonly do: 'scope.recall'; readonly scope: string; readonly recall: Recall }
  | { readonly do: 'run.recall'; readonly recall: Recall; readonly guard?: Guard; readonly by?: string }
  | { readonly do: 'step.end'; readonly step: StepId; readonly ending: StepEnding }

export class Deciding {
  readonly state: State
  readonly at: number
  readonly events: Event[] = []
  readonly scopes = new Set<string>()
  readonly barriers = new Set<BarrierId>()
  readonly arrivals: Arrival[] = []
  readonly tasks: Task[] = []
  readonly touched = {
    branches: new Set<BranchId>(),
    steps: new Set<StepId>(),
    barriers: new Set<BarrierId>(),
    questions: new Set<string>(),
  }

  constructor(state: State, at: number) {
    this.state = state
    this.at = at
  }

  get config(): PinnedConfig {
    return this.state.pinned.config
  }

  emit(bare: Bare<Event>): void {
    if (bare.type === 'barrier.closed') this.scopes.add(this.barrier(bare.barrier).scope)
    const event = { ...bare, at: this.at } as Event
    evolve(this.state, event)
    this.events.push(event)
    if ('branch' in event && event.branch !== undefined) this.touched.branches.add(event.branch)
    if ('step' in event && event.step !== undefined) this.touched.steps.add(event.step)
    if ('barrier' in event && event.barrier !== undefined) {
      this.touched.barriers.add(event.barrier)
      this.barriers.add(event.barrier)
    }
    if ('question' in event) this.touched.questions.add(event.question)
    if (event.type.startsWith('branch.') && event.type !== 'branch.started' && 'branch' in event)
      this.scopes.add(this.branch(event.branch as BranchId).scope)
    if (event.type === 'scope.failed' || event.type === 'barrier.opened') this.scopes.add(event.scope)
  }

  later(task: Task): void {
    this.tasks.push(task)
  }

  branch(id: BranchId): Branch {
    return must(this.state.branches.get(id), `branch ${id}`)
  }

  barrier(id: BarrierId): Barrier {
    return must(this.state.barriers.get(id), `barrier ${id}`)
  }

  /** As the events about a question name it. */
  asked(id: QuestionId): Asked {
    const { branch, agent, step } = must(this.state.questions.get(id), id)
    return { question: id, branch, agent, ...(step === undefined ? {} : { step }) }
  }

  scopeOf(branch: Branch): Scope {
    return must(this.state.scopes.get(branch.scope), `scope ${branch.scope}`)
  }

  node(name: string): GraphNode {
    return nodeIn(this.state, name)
  }

  label(branch: Branch): string {
    return this.node(branch.node).label
  }

  /** Nothing new begins in it: it, or the run, is being stopped. */
  goesDown(scope: Scope): boolean {
    return this.state.recall !== undefined || this.state.guard !== undefined || scope.failing !== undefined
  }
}

export const isOver = (branch: Branch): boolean =>
  branch.status === 'completed' || branch.status === 'failed' || branch.status === 'cancelled'

export const failed = (agent: string, error: StoredError): Result => ({ agent, success: false, error })
