/** A hostile team from a seed: agents, a topology that lets them at each other, and budgets that they are held to. */
import { z } from 'zod'
import { seededRandom } from '../../src/core/index.ts'
import type { Agent, Json, RunConfig, StepContext, TopologyForm } from '../../src/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { hostileActions, hostileModel, pick, type Scenario, type Seen, upTo } from './hostile-model.ts'

export interface Team {
  readonly seed: string
  readonly topology: TopologyForm
  readonly config: RunConfig
  readonly budget: { readonly steps: number; readonly depth: number; readonly hops: number; readonly tokens?: number }
  readonly timeMs: number
  readonly seen: Seen
}

type Agents = readonly [Agent, ...Agent[]]
const { patterns, defineAgent, defineTool, LlmAgent } = troupe

export function hostileTeam(seed: string): Team {
  const random = seededRandom(seed)
  const seen: Seen = { modelCalls: 0, tokens: 0, largestCall: 0 }
  const names = Array.from({ length: upTo(random, 5) }, (_, i) => `A${i + 1}`)
  const scenario = { random, names, seen }
  const agents = names.map((name) => (random.next() < 0.6 ? codeAgent(name, scenario) : modelAgent(name, scenario)))
  const budget = {
    steps: 6 + upTo(random, 40),
    depth: upTo(random, 6),
    hops: upTo(random, 60),
    ...(random.next() < 0.5 ? { tokens: 500 + upTo(random, 5_000) } : {}),
  }
  const topology = pick(random, teams)(agents as unknown as Agents, scenario)
  return { seed, topology, config: configOf(scenario, budget), budget, timeMs: 60_000, seen }
}

function codeAgent(name: string, scenario: Scenario): Agent {
  const { random } = scenario
  const favourites = Array.from({ length: upTo(random, 3) }, () => pick(random, Object.values(hostileActions)))
  // A step that waited is executed again: its code must do the same again.
  const ofStep = (ctx: StepContext): Scenario => ({ ...scenario, random: seededRandom(`${name} ${ctx.random()}`) })
  return defineAgent({
    name,
    run: (input: Json, ctx) => {
      const own = ofStep(ctx)
      const actions = own.random.next() < 0.8 ? favourites : Object.values(hostileActions)
      return pick(own.random, actions)(input, ctx, own)
    },
    ...(random.next() < 0.3
      ? {
          serve: ({ payload }, ctx) => {
            const own = ofStep(ctx)
            return pick(own.random, Object.values(hostileActions))(payload, ctx, own)
          },
        }
      : {}),
  })
}

function modelAgent(name: string, scenario: Scenario): Agent {
  const { random } = scenario
  const own = (tool: string, execute: () => Promise<unknown>) =>
    defineTool({
      name: tool,
      description: 'A tool.',
      inputSchema: z.object({ q: z.string().optional() }),
      effect: pick(random, ['read', 'idempotent', 'at-most-once'] as const),
      needsApproval: random.next() < 0.1,
      execute,
    })
  const tools = [
    own('look', async () => 'nothing new'),
    own('stall', () => new Promise(() => {})),
    own('fail', () => Promise.reject(new Error('no'))),
  ]
  const helper = new LlmAgent({ name: `${name}Helper`, model: hostileModel(scenario), tools })
  return new LlmAgent({
    name,
    model: hostileModel(scenario),
    tools,
    ...(random.next() < 0.3 ? { agents: { helper } } : {}),
    ...(random.next() < 0.2 ? { output: z.object({ n: z.number() }) } : {}),
    settings: { maxOutputTokens: 100, ...(random.next() < 0.5 ? { maxTurns: upTo(random, 30) } : {}) },
  })
}

const flowsOf = (agents: Agents, flows: readonly string[], more: object = {}) =>
  ({ agents, flows, ...more }) as TopologyForm
const rest = ([, ...others]: Agents): readonly Agent[] => others

/** Teams of one agent fall back to the first. */
const several =
  (form: (agents: Agents, scenario: Scenario) => TopologyForm) =>
  (agents: Agents, scenario: Scenario): TopologyForm =>
    agents.length > 1 ? form(agents, scenario) : solo(agents)

const solo = (agents: Agents) => flowsOf([agents[0]], ['Start -> A1', 'A1 -> End'])

const teams: readonly ((agents: Agents, scenario: Scenario) => TopologyForm)[] = [
  solo,
  (agents) => flowsOf([agents[0]], ['Start -> A1', 'A1 -> User', 'User -> A1', 'A1 -> End']),
  (agents) => patterns.pipeline({ stages: [{ agents, parallel: true }] }),
  several((agents) => patterns.hubAndSpoke({ hub: agents[0], spokes: rest(agents), parallelSpokes: true })),
  several((agents) => patterns.supervisor({ supervisor: agents[0], workers: rest(agents) })),
  several((agents) => patterns.broadcast({ broadcaster: agents[0], receivers: rest(agents), allowReplies: true })),
  (agents) => patterns.mesh({ agents }),
  (agents) => patterns.swarm({ agents }),
  (agents, { random }) => patterns.ring({ agents, rounds: upTo(random, 50) }),
  (agents) => patterns.vote({ voters: agents }),
  (agents) => patterns.blackboard({ agents, until: () => false }),
  several((agents) => patterns.loop({ body: agents[0], check: agents[1] as Agent, max: 50 })),
  several((agents) => patterns.planAndExecute({ planner: agents[0], executor: agents[1] as Agent })),
  several((agents) =>
    patterns.mapReduce({ split: () => Array(30).fill('one'), map: agents[0], reduce: agents[1] as Agent }),
  ),
  several((agents) =>
    flowsOf(agents.slice(0, 2) as unknown as Agents, ['Start -> A1', 'A1 <~> A2', 'A2 -> End'], {
      edges: { 'A1 <~> A2': { maxTurns: 90 } },
    }),
  ),
  several((agents) =>
    flowsOf(agents, [
      'Start -> A1',
      ...rest(agents).flatMap(({ name }) => [`A1 => ${name}`, `${name} -> A1`]),
      'A1 -> End',
    ]),
  ),
  several((agents) =>
    flowsOf(agents, ['Start -> A1', ...rest(agents).map(({ name }) => `A1 -> ${name}`), 'A1 -> End'], {
      edges: Object.fromEntries(
        rest(agents).map(({ name }, i) => [`A1 -> ${name}`, { type: ['notify', 'query'][i % 2] }]),
      ),
    }),
  ),
]

const maybe = <T extends object>({ random }: Scenario, chance: number, value: T): T | object =>
  random.next() < chance ? value : {}

function configOf(scenario: Scenario, budget: NonNullable<RunConfig['budget']>): RunConfig {
  const { random } = scenario
  return {
    budget: { ...budget, time: '60s' },
    maxParallelBranches: upTo(random, 12),
    join: pick(random, ['all', 'any', 'first', { quorum: 1 }, { ratio: 0.5 }] as const),
    onFailure: pick(random, ['failFast', 'collect', 'continue', 'ask'] as const),
    ...maybe(scenario, 0.2, { retry: { attempts: upTo(random, 3), backoff: '1s' } }),
    ...maybe(scenario, 0.3, {
      onError: { '*': pick(random, [{ retry: { attempts: 3, backoff: '1s' } }, { value: 'well' }, 'ask'] as const) },
    }),
    ...maybe(scenario, 0.3, { guards: { repetition: false, pingPong: false, noProgress: false } as const }),
    // Nobody answers, and a run whose question has no timeout would wait for ever.
    timeouts: { human: '8s', ...(random.next() < 0.3 ? { step: '10s', tool: '5s', model: '5s', branch: '30s' } : {}) },
    ...maybe(scenario, 0.2, { deadline: '5s' }),
  }
}
