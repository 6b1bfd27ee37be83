/** A run as its events tell it: which nodes work, what each step took in and gave, what is asked. */
import type { RunEvent, Topology } from './api/shapes.ts'

export type StepState = 'working' | 'waiting' | 'done' | 'failed' | 'stopped'

/** In ms since 1970. */
export interface Wait {
  readonly from: number
  readonly to?: number
  readonly reason?: string | undefined
  /** The text of the question that it waits for. */
  readonly question?: string | undefined
}

export interface Step {
  readonly id: string
  readonly branch: string
  readonly node: string
  readonly agent: string
  readonly depth: number
  readonly began: number
  /** Counted from 1: a branch tries a step that failed again. */
  readonly attempt: number
  readonly state: StepState
  readonly ended?: number
  /** While it waited for an answer, in order; the last one may still last. */
  readonly waits: readonly Wait[]
  /** The text that it asked last. */
  readonly question?: string | undefined
  readonly input?: unknown
  readonly output?: unknown
  readonly error?: string
  readonly tokens: number
  readonly cost: number
  /** The part of its tokens and its cost that was used by the run of which this one is a retry or a fork. */
  readonly shared: { readonly tokens: number; readonly cost: number }
}
/** A breakpoint in the stored form. */
export type BreakOn =
  | { readonly on: 'agent'; readonly agent: string }
  | { readonly on: 'tool'; readonly tool: string }
  | { readonly on: 'error' }
  | { readonly on: 'seq'; readonly seq: number }

export interface RunState {
  readonly topology: Topology | undefined
  readonly task: unknown
  readonly status: string
  readonly steps: ReadonlyMap<string, Step>
  /** How often each edge of the topology was taken, by its index. */
  readonly edgeUses: ReadonlyMap<number, number>
  /** What a branch was given last. */
  readonly inputs: ReadonlyMap<string, unknown>
  /** The node of each branch. */
  readonly branchNodes: ReadonlyMap<string, string>
  /** The breakpoints, in their order. */
  readonly breakpoints: readonly BreakOn[]
  /** The node at whose breakpoint the run waits. */
  readonly stoppedNode: string | undefined
  /** The sequence number of the last event. */
  readonly seq: number
}

export const nothingYet: RunState = {
  topology: undefined,
  task: undefined,
  status: 'running',
  steps: new Map(),
  edgeUses: new Map(),
  inputs: new Map(),
  branchNodes: new Map(),
  breakpoints: [],
  stoppedNode: undefined,
  seq: 0,
}

const over: Readonly<Record<string, string>> = {
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
}
export const isOver = ({ status }: RunState): boolean => Object.values(over).includes(status)
/** Whether the last one of the events that start or end a run ends it. */
export const hasEnd = (events: readonly RunEvent[]): boolean =>
  Object.hasOwn(over, events.findLast(({ type }) => type === 'run.retried' || Object.hasOwn(over, type))?.type ?? '')

/** The document leaves open what a run has pinned. */
interface Pinned {
  readonly topology?: Topology
  readonly config?: { readonly debug?: { readonly breakOn?: readonly BreakOn[] } }
}
const isPinned = (pinned: unknown): pinned is Pinned => typeof pinned === 'object' && pinned !== null

/** Takes several events at once: the view is drawn once for them. */
export function fold(state: RunState, events: readonly RunEvent[]): RunState {
  const fresh = events.filter(({ seq }) => seq > state.seq)
  if (fresh.length === 0) return state
  const steps = new Map(state.steps)
  const inputs = new Map(state.inputs)
  const branchNodes = new Map(state.branchNodes)
  const edgeUses = new Map(state.edgeUses)
  let { topology, task, status, breakpoints, stoppedNode } = state
  for (const event of fresh) {
    const { type, branch, step } = event
    if (type === 'run.started') {
      const pinned = isPinned(event.pinned) ? event.pinned : {}
      topology = pinned.topology
      breakpoints = pinned.config?.debug?.breakOn ?? []
      task = event.task
    }
    if (type === 'run.breakpoints-set') breakpoints = event.breakOn as readonly BreakOn[]
    const edge = event.edge ?? terminalEdge(topology, event, branchNodes.get(branch ?? ''))
    if (edge !== undefined) edgeUses.set(edge, (edgeUses.get(edge) ?? 0) + 1)
    if (branch !== undefined && event.node !== undefined) branchNodes.set(branch, event.node)
    if (over[type]) status = over[type]
    if (type === 'run.retried') status = 'running'
    if (type === 'run.paused') status = 'paused'
    if (type === 'run.resumed') status = 'running'
    if (type === 'run.paused') stoppedNode = branchNodes.get(branchAt(event.breakpoint))
    else if (type === 'run.resumed' || over[type]) stoppedNode = undefined
    if (branch !== undefined && 'input' in event) inputs.set(branch, event.input)
    if (type === 'step.started' && step !== undefined) steps.set(step, begun(event, inputs.get(branch ?? '')))
    const known = step === undefined ? undefined : steps.get(step)
    if (known) steps.set(known.id, updatedStep(known, event))
  }
  return {
    topology,
    task,
    status,
    breakpoints,
    stoppedNode,
    steps,
    edgeUses,
    inputs,
    branchNodes,
    seq: fresh.at(-1)?.seq ?? state.seq,
  }
}

/** Returns the branch of this run that waits at a breakpoint. A step is numbered within its branch: `1.2#3`. */
const branchAt = (breakpoint: RunEvent['breakpoint']): string =>
  breakpoint === undefined || breakpoint.run !== undefined
    ? ''
    : breakpoint.step.slice(0, breakpoint.step.lastIndexOf('#'))

/** The edge from Start of a branch that the run begins, or the edge to End of a branch that ends; events do not name them. */
function terminalEdge(
  topology: Topology | undefined,
  event: RunEvent,
  branchNode: string | undefined,
): number | undefined {
  const { type, origin, node } = event
  const begins = type === 'branch.started' && (origin as { readonly kind?: string } | undefined)?.kind === 'run'
  if (!begins && !(type === 'branch.completed' && event.as === 'ended')) return undefined
  const isKind = (name: string, kind: string) => topology?.nodes.some((one) => one.name === name && one.kind === kind)
  const index = topology?.edges.findIndex(({ from, to }) =>
    begins ? isKind(from, 'start') && to === node : from === branchNode && isKind(to, 'end'),
  )
  return index === -1 ? undefined : index
}

const begun = (
  { step = '', branch = '', node = '', agent = '', attempt = 1, path, at }: RunEvent,
  input: unknown,
): Step => ({
  id: step,
  branch,
  node,
  agent,
  depth: Math.max(0, path.length - 1),
  began: at,
  attempt,
  state: 'working',
  waits: [],
  input,
  ...usedBy(undefined),
})

/** The events name the models of the calls that the run made itself. */
function usedBy(usage: RunEvent['usage']): Pick<Step, 'tokens' | 'cost' | 'shared'> {
  const { inputTokens = 0, outputTokens = 0, cost = 0, models = {} } = usage ?? {}
  const own = Object.values(models)
  const tokens = inputTokens + outputTokens
  const shared = {
    tokens: own.reduce((left, one) => left - one.inputTokens - one.outputTokens, tokens),
    cost: own.reduce((left, one) => left - (one.cost ?? 0), cost),
  }
  return { tokens, cost, shared }
}

function updatedStep(step: Step, { type, at, outcome, error, usage, reason, ask }: RunEvent): Step {
  // What the step has used so far, said when it waits and when it ends.
  const used = usage ? usedBy(usage) : {}
  const waits = waitsUntil(step, at)
  if (type === 'step.completed') return { ...step, ...used, waits, state: 'done', ended: at, output: outcome }
  if (type === 'step.failed') {
    // A step that is cancelled, because another branch failed or a person cancelled the run, has done nothing wrong.
    const stopped = error?.code === 'cancelled' ? 'stopped' : 'failed'
    return { ...step, ...used, waits, state: stopped, ended: at, error: error?.message ?? '' }
  }
  if (type === 'step.cancel-requested') return { ...step, waits, state: 'stopped', ended: at }
  if (type === 'step.waiting')
    return { ...step, ...used, waits: [...waits, { from: at, reason, question: step.question }], state: 'waiting' }
  if (type === 'question.asked') return { ...step, question: ask?.text }
  // A step whose process kept it in memory works on with the answer, and is not resumed.
  if (type === 'step.resumed' || type === 'answer.delivered') return { ...step, waits, state: 'working' }
  return step
}

/** Its waits, with the last one ended. */
function waitsUntil({ waits }: Step, at: number): readonly Wait[] {
  const last = waits.at(-1)
  return last === undefined || last.to !== undefined ? waits : [...waits.slice(0, -1), { ...last, to: at }]
}

const liveliest: readonly StepState[] = ['working', 'waiting', 'failed', 'done', 'stopped']

/** The state of a node, and of the branches at it. */
export interface NodeState {
  /** The liveliest. */
  readonly state: StepState
  /**
   * The number of branches in each state, the liveliest first. Of a branch that came several times its last step counts. Empty
   * at a breakpoint.
   */
  readonly branches: ReadonlyMap<StepState, number>
}

/** The state of each node that something has happened at. */
export function statesOfNodes({ steps, stoppedNode }: RunState): ReadonlyMap<string, NodeState> {
  const ofNodes = new Map<string, Map<string, StepState>>()
  for (const { node, branch, state } of steps.values()) {
    const branches = ofNodes.get(node) ?? new Map<string, StepState>()
    ofNodes.set(node, branches.set(branch, state))
  }
  const states = new Map<string, NodeState>()
  for (const [node, branches] of ofNodes) {
    const counts = new Map<StepState, number>()
    for (const state of branches.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
    const ordered = liveliest.flatMap((state) => (counts.has(state) ? [[state, counts.get(state) ?? 0] as const] : []))
    states.set(node, { state: ordered[0]?.[0] ?? 'done', branches: new Map(ordered) })
  }
  if (stoppedNode !== undefined && states.get(stoppedNode)?.state !== 'working')
    states.set(stoppedNode, { state: 'waiting', branches: new Map() })
  return states
}
