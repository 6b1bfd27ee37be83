import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Agent, AgentPool, defineAgent, BaseLlmAgent as LlmAgent } from '../../agents/index.ts'
import { createEvents, type Recording, seededRandom, systemClock } from '../../core/index.ts'
import { createModels, type ModelsOptions } from '../../models/index.ts'
import { defineTool, type StepContext } from '../../tools/index.ts'
import { type RunConfig, readConfig } from '../canonical/run-config.ts'
import { defineTopology, type TopologyForm } from '../define-topology.ts'
import { patterns } from '../patterns.ts'
import { misfit } from './check-schemas.ts'
import { type CheckContext, checkTopology } from './check-topology.ts'

const leaf = (name: string): Agent => defineAgent({ name, run: () => null })
const leaves = (names: string) => names.split(' ').map(leaf)
const team = (names: string, flows: readonly string[], more: object = {}): TopologyForm => ({
  agents: leaves(names),
  flows,
  ...more,
})
const check = (form: TopologyForm, config: RunConfig = {}) => {
  const compiled = defineTopology(form)
  // Advice about the form of a team has its own tests.
  return checkTopology(compiled, readConfig(config, compiled.canonical)).filter(
    ({ code }) => code !== 'team.unverified',
  )
}
const typed = (name: string, schemas: object): Agent => defineAgent({ name, ...schemas, run: async () => ({}) })
const tool = (name: string, more: object = {}) =>
  defineTool({
    name,
    description: name,
    inputSchema: z.object({ q: z.string() }),
    effect: 'read',
    execute: async () => 1,
    ...more,
  })
const modelsWith = (options: Partial<ModelsOptions>): CheckContext => ({
  models: createModels({ clock: systemClock, random: seededRandom(1), events: createEvents(() => {}), ...options }),
})
const llm = (name: string, options: object) =>
  new LlmAgent({ name, instructions: 'You act.', model: 'offline/extractive', ...options })

describe('findings', () => {
  it('The check of a topology warns of a join in the config of a run whose branches meet only at End.', () => {
    const inert = (flows: string[], config: RunConfig) =>
      check(team('A B C', flows), config).filter(({ code }) => code === 'join.inert')
    const separateBranches = ['Start -> A', 'A => {B, C}', 'B -> End', 'C -> End']
    const [finding] = inert(separateBranches, { join: 'first', deadline: '5s' })
    expect(finding).toMatchObject({ severity: 'warning', location: 'config' })
    expect(finding?.message).toMatch(/join and deadline of the config never/)
    expect(finding?.remedy).toMatch(/B, C/)
    expect(inert(separateBranches, { onFailure: 'collect' })).toEqual([])
    expect(inert(['Start -> A', 'A <-> B', 'A <-> C', 'A -> End'], { join: 'first' })).toEqual([])
  })
  it('The check of a topology warns of join options at a node where no branches meet.', () => {
    const flows = ['Start -> A', 'A -> B', 'B <-> C', 'B -> End']
    const nodes = { A: { join: 'any' }, B: { onFailure: 'collect' }, C: { deadline: '5s' } }
    const findings = check(team('A B C', flows, { nodes })).filter(({ code }) => code === 'join.inert')
    expect(findings.map(({ severity, location }) => [severity, location])).toEqual([['warning', 'A']])
  })

  it.each([
    ['node.unreachable', 'C', team('A B C', ['Start -> A', 'A -> B', 'B -> End', 'C -> End'])],
    ['node.dead_end', 'C', team('A B C', ['Start -> A', 'A -> B', 'A -> C', 'B -> End'])],
    ['cycle.no_exit', 'B, C', team('A B C D', ['Start -> A', 'A -> D', 'D -> End', 'A -> B', 'B -> C', 'C -> B'])],
    [
      'join.impossible',
      'C',
      team('A B1 B2 C D', ['Start -> A', 'A => {B1, B2}', '{B1, B2} -> C', 'C <-> D', 'C -> End'], {
        nodes: { C: { join: { quorum: 3 } } },
      }),
    ],
    [
      'tool.not_granted',
      'A: danger',
      { agents: [llm('A', { tools: { danger: tool('danger') }, deny: ['danger'] })], flows: ['Start -> A'] },
    ],
    [
      'schema.misfit',
      'A -> B',
      {
        agents: [
          typed('A', { outputSchema: z.object({ n: z.number() }) }),
          typed('B', { inputSchema: z.object({ text: z.string() }) }),
        ],
        flows: ['A -> B'],
      },
    ],
  ] as const)('The check of a topology reports %s as an error at %s.', (code, location, form) => {
    const found = check(form as TopologyForm).filter((f) => f.severity === 'error')
    expect(found).toMatchObject([{ code, location }])
    expect(found[0]?.remedy).not.toBe('')
  })
  it('The check of a topology accepts an agent without incoming flows if failures are routed to it.', () => {
    const routed = { onError: { '*': { agent: 'B' } } } as const
    expect(check(team('A B', ['Start -> A', 'A -> End', 'B -> End']), routed)).toEqual([])
    expect(check(team('A B', ['Start -> A', 'A -> End', 'B -> End']))).toMatchObject([{ code: 'node.unreachable' }])
  })
  it('The check of a topology reports a budget that every run exceeds as an error, and one that some runs exceed as a warning.', () => {
    const line = team('A B C', ['A -> B', 'B -> C'])
    expect(check(line, { budget: { steps: 2 } })).toMatchObject([{ code: 'budget.worst_case', severity: 'error' }])
    expect(check(line, { budget: { steps: 3 } })).toEqual([])
    const wide = team('A B C D', ['A -> B', 'A -> C', 'A -> D', 'B -> End', 'C -> End', 'D -> End'])
    expect(check(wide, { budget: { steps: 3 } })).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('4 steps') },
    ])
  })
  it('The check of a topology warns of a path from untrusted input to a dangerous tool.', () => {
    const reader = llm('Reader', { tools: [tool('browse', { untrusted: true })] })
    const form = (more: object): TopologyForm => ({
      agents: [reader, llm('Payer', { tools: [tool('pay', { effect: 'at-most-once', ...more })] })],
      flows: ['Reader -> Payer'],
    })
    expect(check(form({ needsApproval: false }))).toMatchObject([
      { code: 'taint.path', severity: 'warning', location: 'Reader -> Payer: pay' },
    ])
    expect(check(form({ needsApproval: true }))).toEqual([])
  })
  it('The check of a topology counts the tools of helpers as tools of their agent, at any depth.', () => {
    const deep = llm('Deep', { tools: [tool('browse', { untrusted: true })] })
    const form: TopologyForm = {
      agents: [
        llm('Reader', { agents: { middle: llm('Middle', { agents: { deep } }) } }),
        llm('Payer', { agents: { helper: llm('Hand', { tools: [tool('pay', { effect: 'at-most-once' })] }) } }),
      ],
      flows: ['Reader -> Payer'],
    }
    expect(check(form)).toMatchObject([{ code: 'taint.path', location: 'Reader -> Payer: pay' }])
    const denied = llm('Boss', { agents: { helper: llm('Hand', { tools: [tool('pay')], deny: ['pay'] }) } })
    expect(check({ agents: [denied], flows: ['Start -> Boss'] })).toMatchObject([
      { code: 'tool.not_granted', location: 'Hand: pay' },
    ])
  })
  it('The check of a topology counts agents of a pool as themselves, and helpers in the costs.', () => {
    const lent = (agent: Agent) => new AgentPool({ agent, clock: systemClock })
    const reader = lent(llm('Reader', { tools: [tool('browse', { untrusted: true })] }))
    const payer = lent(llm('Payer', { tools: [tool('pay', { effect: 'at-most-once' })] }))
    expect(check({ agents: [reader, payer], flows: ['Reader -> Payer'] })).toMatchObject([
      { code: 'taint.path', location: 'Reader -> Payer: pay' },
    ])
    const settings = { maxTurns: 1, maxOutputTokens: 100 }
    const lead = llm('Lead', { settings, agents: { helper: lent(llm('Helper', { settings })) } })
    const form: TopologyForm = { agents: [lead], flows: ['Start -> Lead'] }
    expect(check(form, { budget: { tokens: 200 } })).toEqual([])
    expect(check(form, { budget: { tokens: 199 } })).toMatchObject([
      { code: 'budget.worst_case', message: expect.stringContaining('200 tokens') },
    ])
  })
  it('The check of a topology warns of a node that is deeper than the depth budget.', () => {
    const tree = team('A B C', ['Start -> A', 'A <-> B', 'B <-> C', 'A -> End'])
    const found = check(tree, { budget: { depth: 1, tokens: 1_000_000 } })
    expect(found).toMatchObject([{ code: 'budget.worst_case', severity: 'warning', location: 'C' }])
    expect(found[0]?.remedy).toContain('2')
    expect(check(tree, { budget: { depth: 2, tokens: 1_000_000 } })).toEqual([])
  })
  it('The check of a topology advises against side effects outside ctx.effect.', () => {
    const bare = defineAgent({ name: 'A', run: async () => Date.now() })
    const inside = defineAgent({
      name: 'B',
      run: async (_: unknown, ctx) => ctx.effect('now', { class: 'read' }, () => Math.max(1, Date.now())),
    })
    expect(check({ agents: [bare, inside], flows: ['A -> B'] })).toMatchObject([
      { code: 'effect.outside', severity: 'advice', location: 'A' },
    ])
  })
  it.each<[string, boolean, (task: string, ctx: StepContext) => unknown]>([
    ['a pattern', false, (task) => /x(.)/.exec(task)?.[1]],
    ['a comment', false, (task) => /* never fetch() here */ task],
    ['a text', false, (task) => `fetch(it) before ${task}, not Date.now()`],
    ['a given date', false, () => new Date('2026-01-01').toISOString()],
    ['a parenthesis in a text inside', false, (_, ctx) => ctx.effect('a', { class: 'read' }, () => `:) ${Date.now()}`)],
    [
      'code after a parenthesis in a text',
      true,
      async (_, ctx) => [await ctx.effect('a :(', { class: 'read' }, () => 1), Date.now()],
    ],
    ['code in a template', true, (task) => `${task} at ${Date.now()}`],
    ['code after a quotation mark in a pattern', true, (task) => task.replace(/["'(]/g, '') + Date.now()],
    ['a date of now', true, () => [new Date(), performance.now()]],
    ['random bytes', true, () => crypto.getRandomValues(new Uint8Array(1))[0]],
  ])('The check of a topology reads the code of %s: it advises is %j.', (_, isAdvised, run) => {
    const agent = defineAgent({ name: 'A', run: run as never })
    expect(check({ agents: [agent], flows: ['Start -> A', 'A -> End'] }).map(({ code }) => code)).toEqual(
      isAdvised ? ['effect.outside'] : [],
    )
  })
})

describe('the models of a team', () => {
  const known = modelsWith({
    registry: { fast: ['openai/a', 'mistral/b'] },
    installed: (name) => name === '@ai-sdk/openai',
  })
  const findings = (model?: object | string | readonly string[], around = known) => {
    const lead = llm('Lead', { agents: { clerk: llm('Clerk', { model }) } })
    const compiled = defineTopology({ agents: [lead], flows: ['Start -> Lead'] })
    return checkTopology(compiled, readConfig({}, compiled.canonical), around)
  }
  it.each([
    ['opnai/gpt', 'opnai is not known; did you mean openai?'],
    ['offline/other', 'offline/extractive'],
    ['openai/', "'provider/model'"],
    ['fst', 'did you mean fast?'],
    ['mistral/large', '@ai-sdk/mistral'],
    ['constructor/x', 'constructor is not known'],
    [{ url: 'localhost', model: 'x' }, 'url'],
    [{ specificationVersion: 'v2', provider: 'old', modelId: 'x' }, 'v2'],
    [['mistral/large', 'opnai/gpt'], '@ai-sdk/mistral'],
    [['openai/gpt', 'fst'], 'fst'],
  ] as const)(
    'The check of a topology reports the model %j as an error at the agent that names it.',
    (model, named) => {
      const [first] = findings(model)
      expect(first).toMatchObject({ code: 'model.unknown', severity: 'error', location: 'Clerk' })
      expect(first?.message).toContain(named)
      expect(first?.remedy).not.toBe('')
    },
  )
  it('The check of a topology warns of an unknown model that has a fallback.', () => {
    const found = findings('fast')
    expect(found).toMatchObject([{ code: 'model.unknown', severity: 'warning', location: 'Clerk' }])
    expect(found[0]?.message).toContain('mistral/b')
  })
  it('The check of a topology accepts a known model, and one that a cassette may answer.', () => {
    expect(findings('openai/gpt')).toEqual([])
    expect(findings({ url: 'http://127.0.0.1/v1', model: 'x' })).toEqual([])
    expect(findings('mistral/large', modelsWith({ recording: {} as Recording }))).toEqual([])
  })
  it('The check of a topology reports an agent without a model as an error if there is no default model.', () => {
    expect(findings()).toMatchObject([{ code: 'model.missing', severity: 'error', location: 'Clerk' }])
    expect(findings(undefined, modelsWith({ env: { AGENT_MODEL: 'offline/extractive' } }))).toEqual([])
    expect(findings(undefined, modelsWith({ env: { AGENT_MODEL: 'fst' } }))).toMatchObject([{ code: 'model.unknown' }])
  })
})

it('The check of a topology does not count the agents of nested teams that an agent invokes as branches that arrive.', () => {
  const [a, b, c] = leaves('A B C') as [Agent, Agent, Agent]
  const ring = patterns.ring({ agents: [b, c], rounds: 2 })
  const form = {
    agents: [a, { name: 'T', topology: ring }, { name: 'U', topology: ring }],
    flows: ['Start -> A', 'A <-> T', 'A <-> U', 'A -> End'],
    nodes: { A: { join: { quorum: 3 } } },
  }
  expect(check(form as TopologyForm).filter(({ code }) => code === 'join.impossible')).toEqual([])
})

it('The check of a topology only warns of a join if an agent before it may invoke another one several times.', () => {
  const form = team('A B1 B2 C', ['Start -> A', 'A -> B1', 'A -> B2', '{B1, B2} -> C', 'C -> End'], {
    nodes: { C: { join: { quorum: 3 } } },
  })
  expect(check(form).filter(({ code }) => code === 'join.impossible')).toMatchObject([{ severity: 'warning' }])
})

it('The check of a topology finds nothing wrong with sound teams.', () => {
  const [a, b, c] = leaves('A B C') as [Agent, Agent, Agent]
  const agents = [a, b, c]
  const sound: TopologyForm[] = [
    patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b, c], parallel: true }] }),
    patterns.hubAndSpoke({ hub: a, spokes: [b, c] }),
    patterns.hierarchical({ root: a, tree: { A: [b], B: [c] } }),
    patterns.mesh({ agents }),
    patterns.star({ center: a, points: [b, c] }),
    patterns.ring({ agents, rounds: 2 }),
    patterns.broadcast({ broadcaster: a, receivers: [b, c], allowReplies: true }),
    patterns.broadcast({ broadcaster: a, receivers: [b, c] }),
    patterns.supervisor({ supervisor: a, workers: [b, c] }),
    patterns.swarm({ agents }),
    patterns.router({ routes: { b, c } }),
    patterns.mapReduce({ map: a, reduce: b }),
    patterns.vote({ voters: agents }),
    patterns.blackboard({ agents, until: () => true }),
    patterns.planAndExecute({ planner: a, executor: b }),
    patterns.loop({ body: a, check: b }),
    team('A B', ['Start -> A', 'A <-> B', 'A -> End']),
    team('A B C', ['Start -> A', 'A -> B', 'B <-> C', 'A -> End'], { edges: { 'A -> B': { type: 'query' } } }),
    ...(['query', 'notify'] as const).map((type) => ({
      agents: [a, { name: 'T', topology: team('B C', ['B -> C']) }],
      flows: ['Start -> A', 'A -> T', 'A -> End'],
      edges: { 'A -> T': { type } },
    })),
    team('A', ['Start -> A', 'A -> User']),
    team('A', ['Start -> A', 'A -> User', 'User -> A', 'A -> End']),
  ]
  for (const form of sound) expect(check(form).filter((f) => f.severity !== 'advice')).toEqual([])
})

it('The check of a topology advises that the agents of a stage without `parallel` run in sequence.', () => {
  const [a, b, c] = leaves('A B C') as [Agent, Agent, Agent]
  const found = (stage: { readonly parallel?: boolean }) =>
    check(patterns.pipeline({ stages: [{ agents: [a, b, c], ...stage }] })).filter(
      ({ code }) => code === 'pipeline.sequence',
    )
  expect(found({})).toMatchObject([
    {
      severity: 'advice',
      location: 'stages[0]',
      message: expect.stringContaining('3 agents (A, B, C) run one after the other'),
      remedy: expect.stringContaining('parallel: true'),
    },
  ])
  expect([found({ parallel: true }), found({ parallel: false })]).toEqual([[], []])
})

it('The check of a topology reports schemas as a misfit only if no value can fit.', () => {
  const object = (properties: object, required: string[] = [], more: object = {}) => ({
    type: 'object',
    properties,
    required,
    ...more,
  })
  expect(misfit({ type: 'integer' }, { type: 'number' })).toBeUndefined()
  expect(misfit({ type: 'string' }, { type: 'number' })).toMatch(/string.*number/)
  expect(misfit(object({ a: { type: 'string' } }), object({ a: { type: 'number' } }, ['a']))).toMatch(/a is string/)
  expect(misfit(object({}, [], { additionalProperties: true }), object({ a: {} }, ['a']))).toBeUndefined()
  expect(misfit({ anyOf: [{ type: 'string' }] }, { type: 'number' })).toBeUndefined()
})

it('The check of a topology compares the output of one schema with the input of the next, with transforms.', () => {
  const [text, number] = [z.string(), z.number()]
  const misfits = (outputSchema: z.ZodType, inputSchema: z.ZodType) =>
    check({ agents: [typed('A', { outputSchema }), typed('B', { inputSchema })], flows: ['A -> B'] }).map(
      ({ message }) => message,
    )
  for (const takesText of [z.coerce.number(), number.catch(0), z.preprocess(Number, number)]) {
    expect(misfits(text, takesText)).toEqual([])
    expect(misfits(z.object({ a: text }), z.object({ a: takesText.optional() }))).toEqual([])
  }
  expect(misfits(z.object({}), z.object({ a: number.catch(0) }))).toEqual([])
  expect(misfits(z.object({}), z.object({ a: z.coerce.number() }))).toEqual([expect.stringContaining('has no a')])
  expect(misfits(text.transform(Number), number)).toEqual([])
  expect(misfits(text.transform(Number).pipe(number), number)).toEqual([])
  expect(misfits(text.transform(Number).pipe(number), text)).toEqual([expect.stringContaining('is number')])
})

it('The check of a topology does not compare a query with the output of the agent that asks.', () => {
  const asks = typed('A', { outputSchema: z.object({ answer: z.string() }) })
  const answers = typed('B', { inputSchema: z.object({ question: z.string() }) })
  const form = (type: 'query' | 'invoke') => ({
    nodes: [asks, answers].map((agent) => ({ name: agent.name, agent })),
    edges: [{ from: 'A', to: 'B', type }, ...(type === 'query' ? [{ from: 'A', to: 'End' }] : [])],
  })
  expect(check(form('query'))).toEqual([])
  expect(check(form('invoke'))).toMatchObject([{ code: 'schema.misfit' }])
})
