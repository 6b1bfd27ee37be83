import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Agent, defineAgent } from '../agents/index.ts'
import {
  type AgentStub,
  finish,
  invoke,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from '../runs/machine/machine-testbed.test.fixture.ts'
import { readConfig } from './canonical/run-config.ts'
import { checkTopology } from './check/check-topology.ts'
import { defineTopology, type TopologyForm } from './define-topology.ts'
import { patterns } from './patterns.ts'

const leaf = (name: string): Agent => defineAgent({ name, run: () => null })
const leaves = (names: string) => names.split(' ').map(leaf) as [Agent, Agent, Agent, ...Agent[]]
const edgesOf = (form: TopologyForm) => defineTopology(form).canonical.edges.map((e) => `${e.from}>${e.to}`)

describe('strings', () => {
  it('A topology in text form reads arrows, braces and options.', () => {
    const form = {
      agents: leaves('A B C D'),
      flows: ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D <~> A'],
      edges: { 'D<~>A': { maxTurns: 4 } },
      nodes: { D: { join: 'any' as const, deadline: '2s' as const } },
    }
    const { nodes, edges } = defineTopology(form).canonical
    expect(edges).toEqual([
      { from: 'Start', to: 'A', type: 'invoke' },
      { from: 'A', to: 'B', type: 'invoke', fanOut: true },
      { from: 'A', to: 'C', type: 'invoke', fanOut: true },
      { from: 'A', to: 'D', type: 'invoke', maxTurns: 4, alternating: true },
      { from: 'B', to: 'D', type: 'invoke' },
      { from: 'C', to: 'D', type: 'invoke' },
      { from: 'D', to: 'A', type: 'invoke', maxTurns: 4, alternating: true },
    ])
    expect(nodes.find((n) => n.name === 'D')).toEqual({
      name: 'D',
      kind: 'agent',
      agent: 'D',
      join: 'any',
      deadline: 2_000,
    })
  })
  it('A condition with parts of a wrong type is rejected.', () => {
    const on = (when: object) => () =>
      defineTopology({ agents: leaves('A B'), flows: ['A -> B'], edges: { 'A -> B': { when } } })
    expect(on({ path: 3, equals: 1 })).toThrow(/path of its condition is not a text/)
    expect(on({ in: 'red' })).toThrow(/in of its condition is not a list/)
    expect(on({ exists: 'yes' })).toThrow(/exists of its condition is not true or false/)
    expect(on({ greaterThan: '3' })).toThrow(/greaterThan of its condition is not a number/)
    expect(on({ equals: undefined })).toThrow(/says nothing/)
    expect(on({ constructor: 1 })).toThrow(/no part constructor/)
    expect(on({ path: 'kind', in: ['red', null], exists: true })).not.toThrow()
  })
  it('A canonical form with impossible values is rejected.', () => {
    const [a, b] = leaves('A B')
    const form = defineTopology({ agents: [a, b], flows: ['A -> B'] }).toJSON()
    const edge = (more: object) => () =>
      defineTopology({ ...form, edges: form.edges.map((e) => ({ ...e, ...more })) }, { agents: [a, b] })
    expect(edge({ type: 'invok' })).toThrow(/no type invok/)
    expect(edge({ limit: 0 })).toThrow(/limit/)
    expect(edge({ when: { path: 'kind' } })).toThrow(/says nothing/)
    const node = (more: object) => () =>
      defineTopology({ ...form, nodes: form.nodes.map((n) => ({ ...n, ...more })) }, { agents: [a, b] })
    expect(node({ deadline: '30s' })).toThrow(/deadline is not a whole number/)
    expect(node({})).not.toThrow()
  })
  it('A name or another value in place of a definition is rejected with what to pass.', () => {
    const named = 'Helper' as unknown as Agent
    const [a] = leaves('A')
    const remedy = expect.stringMatching(/^Pass the definition itself/)
    for (const form of [
      () => patterns.hubAndSpoke({ hub: named, spokes: [a] }),
      () => patterns.mapReduce({ map: a, reduce: named }),
      () => defineTopology({ agents: [a, named], flows: ['A -> Helper'] }),
    ])
      expect(form).toThrow(
        expect.objectContaining({
          hint: remedy,
          message: expect.stringContaining('Helper: it is a name, not an agent'),
        }),
      )
    for (const wrong of [undefined, null, 17, { name: 'Bob' }] as unknown[] as Agent[])
      expect(() => patterns.star({ center: wrong, points: [a] })).toThrow(
        expect.objectContaining({ hint: remedy, message: expect.stringContaining('it is not an agent') }),
      )
    const unnamed = { ...a, name: { toString: () => expect.unreachable() } } as unknown as Agent
    for (const form of [
      () => patterns.supervisor({ supervisor: unnamed, workers: [a] }),
      () => patterns.pipeline({ stages: [{ agents: [unnamed, unnamed] }] }),
      () => defineTopology({ agents: [unnamed], flows: [] }),
    ])
      expect(form).toThrow(expect.objectContaining({ code: expect.stringMatching(/^(name|topology)\.invalid$/) }))
  })
  it('A wrong arrow, a reserved name in another case and options of End are rejected with what to write.', () => {
    const agents = leaves('A B')
    const hintOf = (form: object) => {
      try {
        defineTopology(form as TopologyForm)
      } catch (error) {
        const { message, hint } = error as { message: string; hint: string }
        return `${message} ${hint}`
      }
      return 'accepted'
    }
    for (const arrow of ['-->', '<=>', '<-->', '==>', '->>', '~>', '<-'])
      expect(hintOf({ agents, flows: [`A ${arrow} B`] }), arrow).toMatch(
        /Write A -> B, A <-> B, A <~> B or A => {B, C}/,
      )
    expect(hintOf({ agents, flows: ['start -> A'] })).toMatch(/there is no agent start. Did you mean Start\?/)
    expect(hintOf({ agents, flows: ['A -> END'] })).toMatch(/there is no agent END. Did you mean End\?/)
    expect(hintOf({ agents, flows: ['A -> Elsewhere'] })).toMatch(/Add it to agents/)
    expect(hintOf({ agents, flows: ['A -> B'], nodes: { End: { join: 'all' } } })).toMatch(
      /End has no options. Give them to agents/,
    )
    expect(hintOf({ nodes: ['A', 'B'], edges: [] })).toMatch(
      /the node "?A"? is not valid: it must be an object with name/,
    )
  })
  it('A topology without Start and End starts at the first agent and ends at agents without outgoing edges.', () => {
    expect(edgesOf({ agents: leaves('A B C'), flows: ['A -> B', 'A -> C'] })).toEqual([
      'Start>A',
      'A>B',
      'A>C',
      'B>End',
      'C>End',
    ])
  })
  it.each([
    [{ flows: ['A -> Bx'] }, /no agent Bx.*/],
    [{ flows: ['A to B'] }, /no arrow/],
    [{ flows: ['A -> B, C'] }, /braces/],
    [{ flows: ['A -> B -> C'] }, /more than one arrow/],
    [{ flows: ['A -> B', 'A -> B'] }, /twice/],
    [{ flows: ['A -> B'], nodes: { A: { joins: 'all' } } }, /joins/],
    [{ flows: ['A -> B'], nodes: { A: { join: { ratio: 2 } } } }, /ratio/],
    [{ flows: ['A -> B'], edges: { 'A -> C': { limit: 1 } } }, /no flow/],
    [{ flows: ['A -> B'], edges: { 'A -> B': { maxTurns: 1 } } }, /takes turns/],
    [{ flows: ['A -> B'], edges: { 'A -> B': { perPass: true } } }, /belongs to a limit/],
    [{ flows: ['A -> B'], pools: { A: { size: 0 } } }, /limit/],
    [{ flows: ['A -> B'], flow: [] }, /flow/],
    [{ flows: ['A -> B'], agents: [...leaves('A B'), leaf('start')] }, /reserved/],
    [{ flows: ['A -> B'], agents: [...leaves('A B'), leaf('A')] }, /twice|two different/],
  ])('A topology with %j is rejected.', (more, problem) => {
    expect(() => defineTopology({ agents: leaves('A B C'), ...more } as TopologyForm)).toThrow(problem)
  })
})

describe('round trip', () => {
  const [a, b, c] = leaves('A B C')
  const agents = [a, b, c]
  const forms: Record<string, TopologyForm> = {
    pipeline: patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b, c], parallel: true }] }),
    hub: patterns.hubAndSpoke({ hub: a, spokes: [b, c], config: { budget: { steps: 9 } } }),
    vote: patterns.vote({ voters: agents, quorum: 2 }),
    loop: patterns.loop({ body: a, check: b, max: 3 }),
    plan: patterns.planAndExecute({ planner: a, executor: b }),
    router: patterns.router({ routes: { x: a, y: b } }),
    objects: {
      nodes: [
        { name: 'Start', kind: 'start' },
        { name: 'A', kind: 'agent', agent: a },
        { name: 'P', kind: 'pool', agent: b, size: 2 },
        { name: 'End', kind: 'end' },
      ],
      edges: [
        { from: 'Start', to: 'A' },
        { from: 'A', to: 'P', type: 'query' },
        { from: 'A', to: 'End', when: { path: 'x', exists: true } },
      ],
    },
  }
  it.each(Object.keys(forms))('The JSON of the topology %s defines the same topology.', (name) => {
    const first = defineTopology(forms[name] as TopologyForm)
    const json = JSON.parse(JSON.stringify(first))
    expect(JSON.parse(JSON.stringify(defineTopology(json, { agents })))).toEqual(json)
    expect(json).toEqual(first.canonical)
  })
  it('The canonical form is the same for equal teams in text and object form.', () => {
    const strings = { agents, flows: ['A -> B', 'Start -> A', 'B <-> C', 'B -> End'] }
    const objects = {
      nodes: [
        { name: 'End', kind: 'end' as const },
        { name: 'A', kind: 'agent' as const, agent: a },
        { name: 'B', kind: 'agent' as const, agent: b },
        { name: 'C', kind: 'agent' as const, agent: c },
        { name: 'Start', kind: 'start' as const },
      ],
      edges: [
        { from: 'C', to: 'B' },
        { from: 'B', to: 'C' },
        { from: 'B', to: 'End' },
        { from: 'Start', to: 'A' },
        { from: 'A', to: 'B' },
      ],
    }
    expect(defineTopology(strings).canonical).toEqual(defineTopology(objects).canonical)
  })
  it('The object form takes the kind of a node without one from its name or its definition.', () => {
    const edges = [
      { from: 'Start', to: 'A' },
      { from: 'A', to: 'Inner' },
      { from: 'Inner', to: 'End' },
    ]
    const inner = { nodes: [{ name: 'B', agent: b }], edges: [] }
    const short = {
      nodes: [{ name: 'Start' }, { name: 'A', agent: a }, { name: 'Inner', topology: inner }, { name: 'End' }],
      edges,
    }
    const long = {
      nodes: [
        { name: 'Start', kind: 'start' as const },
        { name: 'A', kind: 'agent' as const, agent: a },
        { name: 'Inner', kind: 'topology' as const, topology: inner },
        { name: 'End', kind: 'end' as const },
      ],
      edges,
    }
    expect(defineTopology(short).canonical).toEqual(defineTopology(long).canonical)
  })
  it('The JSON of a topology without its definitions or functions is rejected, and names them.', () => {
    const json = JSON.parse(JSON.stringify(defineTopology(forms.pipeline as TopologyForm)))
    expect(() => defineTopology(json, { agents: [a, b] })).toThrow(/definition of C is missing/)
    const board = JSON.parse(JSON.stringify(patterns.blackboard({ agents, until: () => true })))
    const back = defineTopology(board, { agents })
    expect(JSON.parse(JSON.stringify(back))).toEqual(board)
    expect(checkTopology(back, readConfig({}, back.canonical))[0]).toMatchObject({
      code: 'code.missing',
      severity: 'error',
      location: 'Board',
    })
  })
  it('The JSON of a topology of any flows defines the same topology.', () => {
    const names = ['A', 'B', 'C', 'User', 'End']
    const flow = fc.tuple(fc.constantFrom('A', 'B', 'C'), fc.constantFrom('->', '<->', '=>'), fc.constantFrom(...names))
    fc.assert(
      fc.property(fc.array(flow, { minLength: 1, maxLength: 6 }), (flows) => {
        let form: ReturnType<typeof defineTopology>
        try {
          form = defineTopology({ agents, flows: flows.map((f) => f.join(' ')) })
        } catch {
          return
        }
        const json = JSON.parse(JSON.stringify(form))
        expect(defineTopology(json, { agents }).canonical).toEqual(json)
      }),
      { numRuns: 300 },
    )
  })
})

it('A nested team runs as one, and returns to its caller.', () => {
  const [a, b, c] = leaves('A B C')
  const inner = { agents: [b, c], flows: ['B -> C'] }
  const form = { agents: [a, { name: 'Team', topology: inner }], flows: ['Start -> A', 'A <-> Team', 'A -> End'] }
  const lead: AgentStub = (input) =>
    resultsIn(input) ? finish(valuesIn(input)) : invoke(['Team/B', 1], ['Team/B', 10])
  const testbed = new MachineTestbed(form, {
    A: lead,
    B: (i) => value(Number(i) + 1),
    C: (i) => value(Number(i) * 2),
  }).runUntilIdle()
  expect(testbed.result).toMatchObject({ status: 'completed', response: [4, 22] })
})

it('A nested team that is declared first starts the run, by its own first agent.', () => {
  const [a, b, c] = leaves('A B C')
  const inner = { agents: [c, b], flows: ['Start -> B', 'B -> C', 'C -> End'] }
  expect(edgesOf({ agents: [{ name: 'Team', topology: inner }, a], flows: ['Team -> A'] })).toEqual([
    'Start>Team/B',
    'A>End',
    'Team/C>A',
    'Team/B>Team/C',
  ])
})

it('Nested teams made by the same pattern have separate built-in agents.', () => {
  const [a, b, c] = leaves('A B C')
  const form = {
    agents: [
      { name: 'First', topology: patterns.vote({ voters: [a, b] }) },
      { name: 'Second', topology: patterns.vote({ voters: [b, c] }) },
    ],
    flows: ['First -> Second'],
  }
  const { canonical, agents } = defineTopology(form)
  expect([...agents.keys()]).toEqual(['A', 'B', 'Vote', 'C', 'Second/Vote'])
  expect(canonical.nodes.filter(({ role }) => role).map(({ agent }) => agent)).toEqual(['Vote', 'Second/Vote'])
  const reread = defineTopology(JSON.parse(JSON.stringify(canonical)), { agents: [a, b, c] })
  expect(
    checkTopology(reread, readConfig({}, reread.canonical)).filter(({ severity }) => severity === 'error'),
  ).toEqual([])
})

it('A nested team passes a value on within the bounds of both teams, and rejects what would not apply.', () => {
  const [a, b, c] = leaves('A B C')
  const when = { path: 'done', equals: true }
  const nested = (own: object, outer: object, config?: object) => {
    const end = { from: 'A', to: 'End', ...own }
    const topology = {
      nodes: [
        { name: 'A', agent: a },
        { name: 'B', agent: b },
      ],
      edges: [end, { from: 'A', to: 'B' }, { from: 'B', to: 'End' }],
      ...(config ? { config } : {}),
    }
    const edges = [{ from: 'Team', to: 'C', ...outer }]
    const nodes = [
      { name: 'Team', topology },
      { name: 'C', agent: c },
    ]
    return defineTopology({ nodes, edges }).canonical.edges.filter(({ to }) => to === 'C')[0]
  }
  expect(nested({ when }, { limit: 3 })).toEqual({
    from: 'Team/A',
    to: 'C',
    type: 'invoke',
    leaves: 'Team',
    checkedAfter: '',
    when,
    limit: 3,
  })
  expect(nested({ limit: 2, perPass: true }, { limit: 3 })).toMatchObject({ limit: 2, perPass: true })
  expect(nested({ fanOut: true }, {})).toMatchObject({ fanOut: true })
  expect(() => nested({ when }, { when })).toThrow(/Team -> C: .*has a condition, and the edge on which Team\/A/)
  expect(() => nested({}, {}, { policy: [{ tool: 'pay', do: 'block' }] })).toThrow(/Team: .*no policy of its own/)
  expect(() =>
    defineTopology({ agents: [{ name: 'Team', topology: { agents: [a], flows: [] }, limit: 3 } as never], flows: [] }),
  ).toThrow(/no option limit/)
})

it('A topology of many edges is compiled in a time that grows with their number.', () => {
  const agents = Array.from({ length: 150 }, (_, i) => leaf(`A${i}`))
  const before = process.threadCpuUsage()
  expect(patterns.mesh({ agents }).canonical.edges).toHaveLength(150 * 149 + 151)
  expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(2)
})
