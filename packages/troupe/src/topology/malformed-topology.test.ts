/** Teams from outside may be any JSON: each is accepted, or rejected with a TroupeError. */
import { describe, expect, it } from 'vitest'
import { type Agent, defineAgent } from '../agents/index.ts'
import { TroupeError } from '../core/index.ts'
import { defineTopology } from './define-topology.ts'
import { patterns } from './patterns.ts'

const [a, b, c] = ['A', 'B', 'C'].map((name) => defineAgent({ name, run: () => null })) as unknown as [
  Agent,
  Agent,
  Agent,
]
const agents = [a, b, c]
const flows = ['Start -> A', 'A <~> B', 'A => {C}', 'A -> End']
const written = {
  objects: {
    nodes: [
      { name: 'A', kind: 'agent', agent: 'A', join: { quorum: 1 }, deadline: '1m', onFailure: 'collect', limit: 2 },
      { name: 'B', kind: 'pool', agent: 'B', size: 2 },
      { name: 'Inner', kind: 'topology', topology: { nodes: [{ name: 'C', kind: 'agent' }], edges: [] } },
    ],
    edges: [
      { from: 'A', to: 'B', type: 'invoke', when: { path: 'x', in: [1, 2] }, limit: 2 },
      { from: 'A', to: 'Inner', type: 'notify' },
      { from: 'B', to: 'A', alternating: true, maxTurns: 3 },
    ],
  },
  canonical: defineTopology({ agents, flows, nodes: { A: { join: 'all', deadline: '1m', limit: 3 } } }).toJSON(),
  'canonical of a vote': defineTopology(patterns.vote({ voters: agents, quorum: 2 })).toJSON(),
  'canonical of a router': defineTopology(patterns.router({ routes: { a, b }, by: 'kind' })).toJSON(),
  'canonical of a loop': defineTopology(patterns.loop({ body: a, check: b, max: 3 })).toJSON(),
  'canonical of a plan': defineTopology(patterns.planAndExecute({ planner: a, executor: b })).toJSON(),
  'canonical of a map': defineTopology(patterns.mapReduce({ split: () => [], map: a, reduce: b })).toJSON(),
  'canonical of a blackboard': defineTopology(patterns.blackboard({ agents, until: () => true })).toJSON(),
}
const junk: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  '',
  'x',
  'Start',
  'A',
  '__proto__',
  true,
  [],
  {},
  [null],
  { toString: 1 },
  '\0',
  [[]],
]

type Path = readonly (string | number)[]

/** Every place of a value, the value itself among them. */
function pathsIn(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...at, key]))]
}

function changed(value: unknown, [key, ...rest]: Path, to: unknown): unknown {
  if (key === undefined) return to
  const copy = structuredClone(value) as Record<string | number, unknown>
  copy[key] = changed(copy[key], rest, to)
  return copy
}

describe.each(Object.entries(written))('a team written as %s', (_, form) => {
  it('The team is defined from its JSON in each form.', () => {
    expect(defineTopology(form as never, { agents }).toJSON().nodes.length).toBeGreaterThan(2)
  })
  it('A team in JSON with any wrong value is accepted or rejected with a TroupeError.', () => {
    for (const fieldPath of pathsIn(form))
      for (const wrong of junk)
        try {
          defineTopology(changed(form, fieldPath, wrong) as never, { agents })
        } catch (error) {
          expect(error, `${fieldPath.join('.')} ${JSON.stringify(wrong)}`).toBeInstanceOf(TroupeError)
        }
  })
})

it('The canonical form is rejected for the mistakes that other forms are rejected for.', () => {
  const { canonical } = written
  const edge = canonical.edges.findIndex(({ from, to }) => from === 'A' && to === 'B')
  const rejected = [
    [['edges', edge, 'type'], 'shout', /no type shout/],
    [['edges', edge, 'limit'], 0, /limit is not a whole number/],
    [['edges', edge, 'when'], {}, /says nothing about the value/],
    [['edges', edge, 'alternating'], 'yes', /true or false/],
    [['edges', edge, 'to'], 7, /leads from A to 7/],
    [['nodes', 1, 'agent'], 7, /its agent is 7/],
  ] as const
  for (const [fieldPath, wrong, message] of rejected)
    expect(() => defineTopology(changed(canonical, fieldPath, wrong) as never, { agents })).toThrow(message)
  const vote = written['canonical of a vote']
  const node = vote.nodes.findIndex(({ role }) => role !== undefined)
  expect(() => defineTopology(changed(vote, ['nodes', node, 'role', 'quorum'], 'x') as never, { agents })).toThrow(
    /role\.quorum: it does not fit/,
  )
  expect(() => defineTopology(changed(vote, ['nodes', node, 'role', 'kind'], 'x') as never, { agents })).toThrow(
    /no role x/,
  )
})

it('An agent may have the name of an object member, or a name that differs only in spaces.', () => {
  const named = (...names: string[]) => names.map((name) => defineAgent({ name, run: () => null }))
  const { canonical } = defineTopology({
    agents: named('constructor', 'valueOf'),
    flows: ['constructor -> valueOf'],
    nodes: { valueOf: { limit: 2 } },
    pools: {},
  } as never)
  expect(canonical.nodes.map(({ name, limit }) => [name, limit]).slice(1, 3)).toEqual([
    ['constructor', undefined],
    ['valueOf', 2],
  ])
  const spaced = defineTopology({
    agents: named('A B', 'AB', 'C'),
    flows: ['A B->C', 'AB -> C', 'C => { A B,AB }'],
    edges: { 'A B -> C': { limit: 3 }, 'C=>{A B, AB}': { limit: 1 } },
  })
  expect(spaced.canonical.edges.filter(({ limit }) => limit).map(({ from, limit }) => [from, limit])).toEqual([
    ['A B', 3],
    ['C', 1],
    ['C', 1],
  ])
})
