/**
 * Predefined topologies. Each is an ordinary topology of nodes and edges; all accept `config` as the default run
 * configuration.
 */
import type { Agent, StepContext } from '../agents/index.ts'
import {
  checkFlag,
  checkOptionNames,
  checkOptions,
  encodeJson,
  invalidInput,
  isList,
  isObject,
  type Json,
  listOf,
  objectOf,
} from '../core/index.ts'
import type { CanonicalEdge, CanonicalTopology, PatternRole } from './canonical/canonical-topology.ts'
import type { RunConfig } from './canonical/run-config.ts'
import type { Finding } from './check/finding.ts'
import type { FittingStages, OutputOfStages, PipelineStage } from './fitting-stages.ts'
import { createRoleAgent, type RoleCode } from './role-agent.ts'
import { checkDefinition, TopologyDraft } from './topology-draft.ts'
import type { CompiledTopology, NodeOptions } from './topology-forms.ts'

interface Common {
  /** The default run configuration. */
  readonly config?: RunConfig
}
type Agents = readonly Agent[]

class Plan extends TopologyDraft {
  constructor(where: string, options: Common, known: readonly string[]) {
    super()
    checkOptionNames(`patterns.${where}`, options, [...known, 'config'])
    if (options.config !== undefined)
      this.config = JSON.parse(
        encodeJson(objectOf(`patterns.${where}.config`, options.config as never), 'config'),
      ) as NonNullable<CanonicalTopology['config']>
  }

  add(agent: Agent, options: NodeOptions = {}): string {
    checkDefinition(agent)
    if (!this.nodes.has(agent.name)) this.addAgentNode(agent.name, agent, options)
    return agent.name
  }

  /** Adds an agent; if the team already contains it, adds a further node for it. */
  addCopy(agent: Agent): string {
    checkDefinition(agent)
    let name = agent.name
    for (let n = 2; this.nodes.has(name); n++) name = `${agent.name} ${n}`
    this.addAgentNode(name, agent)
    return name
  }

  /** Adds a built-in agent under a name that no agent of the user has. */
  role(wanted: string, role: PatternRole, code?: RoleCode, options: NodeOptions = {}): string {
    let name = wanted
    for (let n = 2; this.nodes.has(name); n++) name = `${wanted}${n}`
    this.addAgentNode(name, createRoleAgent(name, role, code), options, role)
    return name
  }

  to(from: string, to: string, more: Partial<CanonicalEdge> = {}): void {
    this.addEdge({ from: this.use(from, from), to: this.use(to, to), type: 'invoke', ...more })
  }

  both(a: string, b: string): void {
    this.to(a, b)
    this.to(b, a)
  }
}

function some<T>(what: string, value: readonly T[]): readonly T[] {
  if (!isList(value) || value.length === 0) throw invalidInput(what, 'it must be a list of at least one')
  return listOf(what, value)
}
/** Reads a switch that is off by default. */
const flag = (what: string, value: boolean | undefined) => value !== undefined && checkFlag(what, value)

function record<T>(what: string, value: { readonly [key: string]: T }): { readonly [key: string]: T } {
  if (isObject(value)) {
    const fields = objectOf(what, value)
    if (Object.keys(fields).length > 0) return fields
  }
  throw invalidInput(what, 'it must be an object with at least one entry')
}
function code<F>(what: string, value: F): F {
  if (typeof value === 'function') return value
  throw invalidInput(what, 'it must be a function')
}

function integer(what: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw invalidInput(what, 'it must be a whole number of at least 1')
  return value as number
}

/**
 * Builds a pipeline of stages in sequence; an agent may be in several stages. The output of a stage must fit the input
 * of the next one, as far as both have types.
 * @example patterns.pipeline({ stages: [{ agents: [draft] }, { agents: [facts, style], parallel: true }, { agents: [merge] }] })
 */
function pipeline<const Stages extends readonly PipelineStage[]>(
  options: Common & { readonly stages: Stages & FittingStages<Stages> },
): CompiledTopology<OutputOfStages<Stages>> {
  const plan = new Plan('pipeline', options, ['stages'])
  let before = ['Start']
  for (const [i, stage] of some('stages', options.stages).entries()) {
    checkOptions(`patterns.pipeline.stages[${i}]`, stage, ['agents', 'parallel'])
    const names = some(`stages[${i}].agents`, stage.agents).map((agent) => plan.addCopy(agent))
    for (const group of flag(`stages[${i}].parallel`, stage.parallel) ? [names] : names.map((name) => [name])) {
      for (const from of before)
        for (const to of group) plan.to(from, to, group.length > 1 && from !== 'Start' ? { fanOut: true } : {})
      before = group
    }
  }
  for (const from of before) plan.to(from, 'End')
  plan.findings.push(...sequenceFindings(options.stages))
  return plan.compiled()
}

/** Advises a caller that did not set `parallel`, because a list of agents may look like parallel work. */
const sequenceFindings = (stages: readonly PipelineStage[]): readonly Finding[] =>
  stages.flatMap(({ agents, parallel }, i) =>
    agents.length < 2 || parallel !== undefined
      ? []
      : [
          {
            code: 'pipeline.sequence',
            severity: 'advice',
            location: `stages[${i}]`,
            message: `Its ${agents.length} agents (${agents.map(({ name }) => name).join(', ')}) run one after the other, each with the result of the one before`,
            remedy: 'Set parallel: true to run them at once, or parallel: false where a sequence is meant',
          },
        ],
  )

/** Builds a team whose hub invokes spokes and joins their results; one at a time unless `parallelSpokes`. */
function hubAndSpoke<Out>(
  options: Common & { readonly hub: Agent<never, Out>; readonly spokes: Agents; readonly parallelSpokes?: boolean },
): CompiledTopology<Out> {
  const plan = new Plan('hubAndSpoke', options, ['hub', 'spokes', 'parallelSpokes'])
  around(plan, options.hub, options.spokes)
  if (!flag('parallelSpokes', options.parallelSpokes)) plan.config = { allowParallel: false, ...plan.config }
  return plan.compiled()
}

function around(plan: Plan, hub: Agent, spokes: Agents, node: NodeOptions = {}): void {
  const center = plan.add(hub, node)
  plan.to('Start', center)
  for (const spoke of some('The team', spokes)) plan.both(center, plan.add(spoke))
  plan.to(center, 'End')
}

/** Builds a team in which each parent invokes its children; `tree` lists the children by the name of their parent. */
function hierarchical<Out>(
  options: Common & { readonly root: Agent<never, Out>; readonly tree: { readonly [parent: string]: Agents } },
): CompiledTopology<Out> {
  const plan = new Plan('hierarchical', options, ['root', 'tree'])
  plan.to('Start', plan.add(options.root))
  const tree = Object.entries(record('tree', options.tree))
  for (const [parent, children] of tree) for (const child of listOf(`tree.${parent}`, children)) plan.add(child)
  for (const [parent, children] of tree) for (const child of children) plan.both(plan.use(parent, 'tree'), child.name)
  plan.to(options.root.name, 'End')
  return plan.compiled()
}

/** Builds a team in which each agent may invoke, hand off to and answer every other, and each may finish. */
function mesh(options: Common & { readonly agents: Agents; readonly entry?: Agent }): CompiledTopology {
  const plan = new Plan('mesh', options, ['agents', 'entry'])
  everyone(plan, options.agents, options.entry)
  return plan.compiled()
}

function everyone(plan: Plan, agents: Agents, entry: Agent | undefined): void {
  const names = some('The team', agents).map((agent) => plan.add(agent))
  plan.to('Start', entry ? plan.add(entry) : (names[0] as string))
  const all = [...new Set([...names, ...(entry ? [entry.name] : [])])]
  for (const [i, name] of all.entries()) for (const other of all.slice(i + 1)) plan.both(name, other)
  for (const name of all) plan.to(name, 'End')
}

/** Builds a team whose center invokes the points, in parallel if it invokes several. */
function star<Out>(
  options: Common & { readonly center: Agent<never, Out>; readonly points: Agents },
): CompiledTopology<Out> {
  const plan = new Plan('star', options, ['center', 'points'])
  around(plan, options.center, options.points)
  return plan.compiled()
}

/** Builds a ring in which each agent passes its value to the next, for the given number of rounds. */
function ring(options: Common & { readonly agents: Agents; readonly rounds?: number }): CompiledTopology {
  const plan = new Plan('ring', options, ['agents', 'rounds'])
  const rounds = integer('rounds', options.rounds ?? 1)
  const names = some('A ring', options.agents).map((agent) => plan.addCopy(agent))
  const [first, last] = [names[0] as string, names.at(-1) as string]
  plan.to('Start', first)
  for (const [i, name] of names.slice(1).entries()) plan.to(names[i] as string, name)
  if (rounds > 1) plan.to(last, first, { limit: rounds - 1, perPass: true })
  plan.to(last, 'End')
  return plan.compiled()
}

/**
 * Builds a team in which the broadcaster's value is sent to all receivers in parallel. With replies the broadcaster
 * executes again with the results.
 */
function broadcast(
  options: Common & { readonly broadcaster: Agent; readonly receivers: Agents; readonly allowReplies?: boolean },
): CompiledTopology {
  const plan = new Plan('broadcast', options, ['broadcaster', 'receivers', 'allowReplies'])
  const broadcaster = plan.add(options.broadcaster)
  const replies = flag('allowReplies', options.allowReplies)
  plan.to('Start', broadcaster)
  for (const name of some('A broadcast', options.receivers).map((receiver) => plan.add(receiver))) {
    if (name === broadcaster) throw invalidInput(name, 'it is its own receiver')
    plan.to(broadcaster, name, { fanOut: true })
    plan.to(name, replies ? broadcaster : 'End')
  }
  if (replies) plan.to(broadcaster, 'End')
  return plan.compiled()
}

/** Builds a hub that receives its workers' failures among the results and decides how to handle them. */
function supervisor<Out>(
  options: Common & { readonly supervisor: Agent<never, Out>; readonly workers: Agents },
): CompiledTopology<Out> {
  const plan = new Plan('supervisor', options, ['supervisor', 'workers'])
  around(plan, options.supervisor, options.workers, { onFailure: 'collect' })
  return plan.compiled()
}

/** Builds a team with one active agent at a time, which hands off to another one or finishes. */
function swarm(options: Common & { readonly agents: Agents; readonly entry?: Agent }): CompiledTopology {
  const plan = new Plan('swarm', options, ['agents', 'entry'])
  everyone(plan, options.agents, options.entry)
  return plan.compiled()
}

/**
 * Builds a team that routes each task to one agent.
 * @param options `by` is the field of the task that names the route (`type` by default), or a function that returns the
 * name
 */
function router<Out>(
  options: Common & {
    readonly routes: { readonly [type: string]: Agent<never, Out> }
    readonly by?: string | ((task: never) => string | Promise<string>)
  },
): CompiledTopology<Out> {
  const plan = new Plan('router', options, ['routes', 'by'])
  const { by = 'type' } = options
  if (typeof by !== 'string') code('by', by)
  const routes = Object.fromEntries(
    Object.entries(record('routes', options.routes)).map(([type, agent]) => [type, plan.add(agent)]),
  )
  const made = typeof by === 'function' ? { by: by as (task: Json) => string | Promise<string> } : undefined
  const name = plan.role('Router', { kind: 'router', routes, by: typeof by === 'string' ? by : { code: true } }, made)
  plan.to('Start', name)
  for (const agent of new Set(Object.values(routes))) {
    plan.to(name, agent)
    plan.to(agent, 'End')
  }
  return plan.compiled()
}

/**
 * Builds a team that maps items and reduces the results.
 * @param options `split` makes items of the task (a list needs none); `reduce` gets `{ results }` in the order of the
 * items
 */
function mapReduce<Out>(
  options: Common & {
    readonly split?: (task: never) => readonly unknown[] | Promise<readonly unknown[]>
    readonly map: Agent
    readonly reduce: Agent<never, Out>
  },
): CompiledTopology<Out> {
  const plan = new Plan('mapReduce', options, ['split', 'map', 'reduce'])
  const map = plan.add(options.map)
  const reduce = plan.add(options.reduce)
  const { split } = options
  if (split !== undefined) code('split', split)
  const made = split ? { split: split as (task: Json) => readonly unknown[] | Promise<readonly unknown[]> } : undefined
  const name = plan.role('Split', { kind: 'split', map, reduce, ...(split ? { code: true as const } : {}) }, made)
  plan.to('Start', name)
  plan.both(name, map)
  plan.to(name, reduce)
  plan.to(reduce, 'End')
  return plan.compiled()
}

/**
 * Builds a vote. The result is the value that at least `quorum` voters returned (more than half by default); without a
 * quorum the run fails. A voter with two votes is listed twice.
 */
function vote(options: Common & { readonly voters: Agents; readonly quorum?: number }): CompiledTopology {
  const plan = new Plan('vote', options, ['voters', 'quorum'])
  const voters = some('A vote', options.voters).map((agent) => plan.add(agent))
  const quorum = integer('quorum', options.quorum ?? Math.floor(voters.length / 2) + 1)
  if (quorum > voters.length) throw invalidInput('quorum', `there are only ${voters.length} voters`)
  const name = plan.role('Vote', { kind: 'vote', voters, quorum }, undefined, { join: 'all', onFailure: 'collect' })
  plan.to('Start', name)
  for (const voter of new Set(voters)) plan.both(name, voter)
  plan.to(name, 'End')
  return plan.compiled()
}

/** Builds a team whose agents work on the shared context in rounds, until the condition `until` is met. */
function blackboard(
  options: Common & { readonly agents: Agents; readonly until: (context: StepContext['context']) => unknown },
): CompiledTopology {
  const plan = new Plan('blackboard', options, ['agents', 'until'])
  const agents = some('A blackboard', options.agents).map((agent) => plan.add(agent))
  const name = plan.role('Board', { kind: 'blackboard', agents, code: true }, { until: code('until', options.until) })
  plan.to('Start', name)
  for (const agent of agents) plan.both(name, agent)
  plan.to(name, 'End')
  return plan.compiled()
}

/**
 * Builds a team with a planner that returns tasks (a list, or `{ tasks }`) and an executor that executes each. The
 * planner then executes again with the results.
 */
function planAndExecute(options: Common & { readonly planner: Agent; readonly executor: Agent }): CompiledTopology {
  const plan = new Plan('planAndExecute', options, ['planner', 'executor'])
  const planner = plan.add(options.planner)
  const executor = plan.add(options.executor)
  const name = plan.role('Plan', { kind: 'plan', planner, executor })
  plan.to('Start', name)
  plan.both(name, planner)
  plan.both(name, executor)
  plan.both(planner, executor)
  plan.to(name, 'End')
  return plan.compiled()
}

/**
 * Builds a loop. The check returns `{ pass, feedback }`; the body executes again with `{ task, value, feedback }`, at
 * most `max` times.
 */
function loop(
  options: Common & { readonly body: Agent; readonly check: Agent; readonly max?: number },
): CompiledTopology {
  const plan = new Plan('loop', options, ['body', 'check', 'max'])
  const max = integer('max', options.max ?? 10)
  const body = plan.add(options.body)
  const check = plan.add(options.check)
  const name = plan.role('Loop', { kind: 'loop', body, check, max })
  plan.to('Start', name)
  plan.to(name, body, { limit: max, perPass: true })
  plan.to(body, name)
  plan.both(name, check)
  plan.to(name, 'End')
  return plan.compiled()
}

/**
 * Predefined topologies. Each function checks its options and returns a compiled topology; all accept `config`, the
 * default run configuration.
 * @throws ValidationError for an invalid or unknown option
 */
export const patterns = {
  /** Stages in a fixed order. Use it if each stage needs the result of the stage before. */
  pipeline,
  /** One agent decides which specialists work, one at a time by default, and combines their results. */
  hubAndSpoke,
  /** Managers delegate to the agents directly below them. Use it if one hub would have too many agents. */
  hierarchical,
  /** Every agent can reach every other one. Use it if you cannot say in advance which agents need each other. */
  mesh,
  /** The center asks several agents at the same time and answers: `hubAndSpoke` with parallel spokes. */
  star,
  /** Each agent improves the result of the one before. Use it for a fixed number of rounds over all agents. */
  ring,
  /** All receivers get the same value at the same time, and reply if `allowReplies` is set. */
  broadcast,
  /** The supervisor gets failures of workers as results. Use it if an agent must decide what happens then. */
  supervisor,
  /** One agent works at a time, and passes the work on or finishes. Use it if models choose the next agent. */
  swarm,
  /** A field of the task, or a function, selects the agent. Use it if the choice needs no model. */
  router,
  /** The same work for each item of a list; then one agent combines the results. */
  mapReduce,
  /** The answer is the value of a quorum of agents. Use it with a short list of values to choose from. */
  vote,
  /** All agents add to the shared context, in rounds, until the context meets a condition. */
  blackboard,
  /** A planner returns tasks, and an executor does each. Use it if the steps are not known in advance. */
  planAndExecute,
  /** A body works again until a check passes. Use it if a result must pass a check before it counts. */
  loop,
}
