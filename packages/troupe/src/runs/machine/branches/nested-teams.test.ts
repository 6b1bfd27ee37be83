/** Calls into nested teams, calls inside of them, and the order of the edges around them. */
import { expect, it } from 'vitest'
import { defineTopology, patterns, type TopologyForm } from '../../../topology/index.ts'
import { agent, fan, leaf } from '../machine-teams.test.fixture.ts'
import { type AgentStub, fails, MachineTestbed, resultsIn, value, valuesIn } from '../machine-testbed.test.fixture.ts'

/** Returns its name around its input, or around the values of its results. */
const wraps =
  (name: string): AgentStub =>
  (input) =>
    value(`${name}(${resultsIn(input) ? valuesIn(input) : input})`)
const wrapping = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, wraps(name)]))
const teamOf = (outer: string, nested: Record<string, TopologyForm>, flows: readonly string[], edges: object = {}) =>
  ({
    agents: [
      ...Object.entries(nested).map(([name, topology]) => ({ name, topology })),
      ...outer.split(' ').filter(Boolean).map(agent),
    ],
    flows,
    edges,
  }) as never
const play = (topology: never, stubs: Record<string, AgentStub>) => new MachineTestbed(topology, stubs).runUntilIdle()
const responseOf = (topology: never, stubs: Record<string, AgentStub>) => play(topology, stubs).result.response
const line = (names: string) =>
  patterns.pipeline({ stages: [{ agents: names.split(' ').map(agent), parallel: false }] })
const broadcast = () =>
  patterns.broadcast({ broadcaster: agent('A'), receivers: [agent('B'), agent('C')], allowReplies: true })
const broadcasted = 'A(B(A(for T)),C(A(for T)))'

it('The results of a fan-out are in the order in which the flow names agents and nested teams.', () => {
  const started = teamOf('Y', { T: line('A B') }, ['Start -> {T, Y}', '{T, Y} -> End'])
  expect(responseOf(started, wrapping('A B Y'))).toEqual(['B(A(go))', 'Y(go)'])
  const joined = teamOf('X Y Z', { T: line('A B') }, ['Start -> X', 'X => {T, Y}', '{T, Y} -> Z', 'Z -> End'])
  expect(responseOf(joined, wrapping('A B X Y Z'))).toBe('Z(B(A(X(go))),Y(X(go)))')
})

it('An agent of a nested team invokes a team in it by its name.', () => {
  const inner = teamOf('L', { U: line('A B') }, ['Start -> L', 'L <-> U', 'L -> End'])
  const topology = teamOf('Z', { T: inner }, ['Start -> T', 'T -> Z', 'Z -> End'])
  expect(responseOf(topology, { L: fan('U'), ...wrapping('A B Z') })).toBe('Z(B(A(for U)))')
  const twice = teamOf('', { T: inner, U: line('C') }, ['Start -> T', 'T -> U', 'U -> End'])
  expect(responseOf(twice, { L: fan('U'), ...wrapping('A B C') })).toBe('C(B(A(for U)))')
})

it('A ring does all its rounds before a fan-out that follows it.', () => {
  const ring = patterns.ring({ agents: [agent('A'), agent('B')], rounds: 2 })
  const topology = teamOf('Y Z', { T: ring }, ['Start -> T', 'T => {Y, Z}', '{Y, Z} -> End'])
  expect(responseOf(topology, wrapping('A B Y Z'))).toEqual(['Y(B(A(B(A(go)))))', 'Z(B(A(B(A(go)))))'])
})

it('A fan-out of a nested team comes before a condition on the edges that follow the team.', () => {
  const edges = { 'T -> Z': { when: { equals: 'a' } } }
  const topology = teamOf('X Z', { T: broadcast() }, ['Start -> T', 'T -> Z', 'T -> X', 'X -> End', 'Z -> End'], edges)
  const testbed = play(topology, { ...wrapping('B C X Z'), A: leaf('a') })
  expect([testbed.result.response, testbed.inputsOf('B')]).toEqual(['Z(a)', ['a']])
})

it('A query to a nested team returns the result of the team, and not that of its first agent.', () => {
  const query = { 'L -> T': { type: 'query' } }
  const ending = teamOf('L', { T: broadcast() }, ['Start -> L', 'L -> T', 'L -> End'], query)
  const stubs = { ...wrapping('A B C Z'), L: fan('T') }
  expect(responseOf(ending, stubs)).toEqual([broadcasted])
  const leading = teamOf('L Z', { T: broadcast() }, ['Start -> L', 'L -> T', 'L -> End', 'T -> Z', 'Z -> End'], query)
  const testbed = play(leading, stubs)
  expect([testbed.result.response, testbed.inputsOf('Z')]).toEqual([[broadcasted], []])
  const within = teamOf('L', { T: line('A B') }, ['Start -> L', 'L -> T', 'L -> End'], query)
  const around = teamOf('Z', { U: within }, ['Start -> U', 'U -> Z', 'Z -> End'])
  expect(responseOf(around, { L: fan('T'), ...wrapping('A B Z') })).toBe('Z(B(A(for T)))')
})

it('A nested team that is notified ends with its last agent.', () => {
  const notify = { 'X -> T': { type: 'notify' } }
  const testbed = play(teamOf('X', { T: line('A B') }, ['Start -> X', 'X -> T', 'X -> End'], notify), wrapping('A B X'))
  expect([testbed.result.response, testbed.inputsOf('B')]).toEqual(['X(go)', ['A(X(go))']])
  const last = play(
    teamOf('N', { T: line('A B') }, ['Start -> T', 'T -> N'], { 'T -> N': { type: 'notify' } }),
    wrapping('A B N'),
  )
  expect([last.result.response, last.inputsOf('N')]).toEqual(['B(A(go))', ['B(A(go))']])
})

it('An agent that another agent of its nested team invoked returns its value to that agent.', () => {
  const mesh = patterns.mesh({ agents: [agent('A'), agent('B')] })
  const fanned = teamOf('Y Z', { T: mesh }, ['Start -> T', 'T => {Y, Z}', '{Y, Z} -> End'])
  const stubs = { A: fan('B'), B: leaf('b'), ...wrapping('Y Z') }
  expect(responseOf(fanned, stubs)).toEqual(['Y(b)', 'Z(b)'])
  const passing = {
    agents: ['H', 'A', 'B'].map(agent),
    flows: ['Start -> H', 'H <-> A', 'A -> B', 'B -> End', 'H -> End'],
  }
  const topology = teamOf('Z', { T: passing }, ['Start -> T', 'T -> Z', 'Z -> End'])
  const handing: AgentStub = (i) => ({ outcome: { kind: 'handOff', agent: 'B', input: i } })
  const testbed = play(topology, { H: fan('A'), A: handing, ...wrapping('B Z') })
  expect([testbed.result.response, testbed.inputsOf('Z')]).toEqual(['Z(B(for A))', [['B(for A)']]])
})

it('The branches of an invoked team do not wait for each other because of a path through the agent that invoked it.', () => {
  const routed = {
    agents: ['R', 'X', 'Y', 'A', 'B', 'C'].map(agent),
    flows: ['Start -> R', 'R -> X', 'R -> Y', 'X => {A, B}', 'Y => {A, B}', '{A, B} -> C', 'C -> End'],
  }
  const handing: AgentStub = (i) => ({ outcome: { kind: 'handOff', agent: 'X', input: i } })
  const topology = teamOf('L', { T: routed }, ['Start -> L', 'L <-> T', 'L -> End'])
  const testbed = play(topology, { ...wrapping('X A B C'), L: fan('T'), R: handing })
  expect(testbed.result.response).toEqual(['C(A(X(for T)),B(X(for T)))'])
  expect(testbed.inputsOf('B')).toEqual(['X(for T)'])
})

it('A failed branch of an invoked team does not arrive at the agent that invoked it.', () => {
  const inner = { agents: ['X', 'A', 'B'].map(agent), flows: ['Start -> X', 'X => {A, B}', '{A, B} -> End'] }
  const topology = teamOf('L', { T: inner }, ['Start -> L', 'L <-> T', 'L -> End'])
  const config = { onFailure: 'collect' } as const
  const stubs = { ...wrapping('X'), L: fan('T'), A: () => fails('lost'), B: leaf('b', 5) }
  const testbed = new MachineTestbed(topology, stubs, config).runUntilIdle()
  expect([testbed.inputsOf('L').length, testbed.result.response]).toEqual([2, ['b']])
})

it('A condition on an edge to the End of a nested team comes before a fan-out and a limited edge in the team.', () => {
  const fanned = {
    agents: ['S', 'B', 'C'].map(agent),
    flows: ['Start -> S', 'S => {B, C}', '{B, C} -> End', 'S -> End'],
    edges: { 'S -> End': { when: { equals: 'done' } } },
  }
  const limited = {
    agents: ['S', 'B'].map(agent),
    flows: ['Start -> S', 'S -> B', 'B -> S', 'S -> End'],
    edges: { 'S -> B': { limit: 3 }, 'S -> End': { when: { equals: 'done' } } },
  }
  for (const inner of [fanned, limited]) {
    const once = teamOf('Z', { T: inner }, ['Start -> T', 'T -> Z', 'Z -> End'])
    const middle = teamOf('Y', { T: inner }, ['Start -> T', 'T -> End', 'T -> Y', 'Y -> End'], {
      'T -> Y': { type: 'query' },
    })
    const twice = teamOf('Z', { U: middle }, ['Start -> U', 'U -> Z', 'Z -> End'])
    const written = defineTopology(twice)
    const read = defineTopology(JSON.parse(JSON.stringify(written)), { agents: [...written.agents.values()] }) as never
    for (const topology of [once, twice, read]) {
      const testbed = play(topology, { ...wrapping('B C Z'), S: leaf('done') })
      expect([testbed.result.response, testbed.inputsOf('B')]).toEqual(['Z(done)', []])
    }
  }
})

it('A condition on an edge of the team around a nested team comes after the edges of the nested team.', () => {
  const inner = { agents: ['S', 'B'].map(agent), flows: ['Start -> S', 'S -> B', 'B -> S', 'S -> End'] }
  const middle = teamOf(
    'Y',
    { T: { ...inner, edges: { 'S -> B': { limit: 1 } } } },
    ['Start -> T', 'T -> Y', 'T -> End', 'Y -> End'],
    { 'T -> End': { when: { equals: 'done' } } },
  )
  const testbed = play(teamOf('Z', { U: middle }, ['Start -> U', 'U -> Z', 'Z -> End']), {
    ...wrapping('B Y Z'),
    S: leaf('done'),
  })
  expect([testbed.result.response, testbed.inputsOf('B'), testbed.inputsOf('Y')]).toEqual(['Z(done)', ['done'], []])
})
