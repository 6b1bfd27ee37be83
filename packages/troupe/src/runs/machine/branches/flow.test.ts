/** Fan-outs after joins, and the ends of nested teams. */
import { describe, expect, it } from 'vitest'
import { patterns } from '../../../topology/index.ts'
import { agent, fan, leaf, team } from '../machine-teams.test.fixture.ts'
import {
  type AgentStub,
  finish,
  handOff,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from '../machine-testbed.test.fixture.ts'

/** Returns its name around its input, or around the values of its results. */
const wraps =
  (name: string): AgentStub =>
  (input) =>
    value(`${name}(${resultsIn(input) ? valuesIn(input) : input})`)
const wrapping = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, wraps(name)]))
const stage = (names: string) => ({ agents: names.split(' ').map(agent), parallel: names.includes(' ') })

describe('fan-outs after joins', () => {
  it('A join node sends its value along its own fan-out.', () => {
    const stages = ['A', 'B C', 'D', 'E F', 'G'].map(stage)
    const testbed = new MachineTestbed(patterns.pipeline({ stages }), wrapping('A B C D E F G')).runUntilIdle()
    expect(testbed.result.response).toBe('G(E(D(B(A(go)),C(A(go)))),F(D(B(A(go)),C(A(go)))))')
  })

  it('A join node waits for a fan-out to another join that leads to it, in each order of the flow.', () => {
    for (const set of ['{B, C}', '{C, B}']) {
      const flows = ['Start -> R', 'R -> X', 'R -> Y', `X => ${set}`, `Y => ${set}`, 'B -> C', 'C -> End']
      const topology = team('R X Y B C', flows)
      const stubs = { ...wrapping('X B C'), R: () => handOff('X', 'go') }
      const testbed = new MachineTestbed(topology, stubs).runUntilIdle()
      expect(testbed.inputsOf('C').map((input) => valuesIn(input).sort())).toEqual([['B(X(go))', 'X(go)']])
    }
  })

  it('A join node whose fan-out returns continues with the results.', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D => {E, F}', '{E, F} -> D', 'D -> End']
    const testbed = new MachineTestbed(team('A B C D E F', flows), wrapping('A B C D E F')).runUntilIdle()
    expect(testbed.result.response).toBe('D(E(D(B(A(go)),C(A(go)))),F(D(B(A(go)),C(A(go)))))')
    expect(testbed.inputsOf('D')).toHaveLength(2)
  })

  it('An agent whose fan-out returns in part does not repeat it with the results.', () => {
    const flows = ['Start -> A', 'A => {B, C}', 'B -> A', 'C -> End', 'A -> End']
    const testbed = new MachineTestbed(team('A B C', flows), wrapping('A B C')).runUntilIdle()
    expect(testbed.result.response).toEqual(['A(B(A(go)))', 'C(A(go))'])
  })
})

/** A hub that invokes two agents and finishes with their values. */
const hub = () => patterns.hubAndSpoke({ hub: agent('H'), spokes: [agent('P'), agent('Q')], parallelSpokes: true })
const hubStubs = { H: fan('P', 'Q'), P: leaf('p'), Q: leaf('q') }
const around = (outer: string, flows: readonly string[], topology: object = hub(), more: object = {}) =>
  ({ agents: [...outer.split(' ').map(agent), { name: 'T', topology }], flows, ...more }) as never

describe('nested teams', () => {
  it('The value with which an agent of a nested team finishes takes the edge of the team.', () => {
    const line = around('Z', ['Start -> T', 'T -> Z', 'Z -> End'])
    expect(new MachineTestbed(line, { ...hubStubs, Z: wraps('Z') }).runUntilIdle().result.response).toBe('Z(p,q)')
    const fanned = around('Y Z', ['Start -> T', 'T => {Y, Z}', 'Y -> End', 'Z -> End'])
    const { response } = new MachineTestbed(fanned, { ...hubStubs, ...wrapping('Y Z') }).runUntilIdle().result
    expect(response).toEqual(['Y(p,q)', 'Z(p,q)'])
  })

  it('A value that leaves a nested team does so also if an agent outside waits for the result.', () => {
    const flows = ['Start -> L', 'L -> T', 'T -> Z', 'Z -> L', 'L -> End']
    const topology = around('L Z', flows, hub(), { edges: { 'L -> T': { type: 'query' } } })
    const stubs = { ...hubStubs, L: fan('T'), Z: wraps('Z') }
    expect(new MachineTestbed(topology, stubs).runUntilIdle().result.response).toEqual([['p', 'q']])
    const spokes = around('L M', ['Start -> L', 'L <-> M', 'M <-> T', 'L -> End'])
    const both = { ...hubStubs, L: fan('M'), M: fan('T') }
    expect(new MachineTestbed(spokes, both).runUntilIdle().result.response).toEqual([[['p', 'q']]])
  })

  it('An agent that another agent of its nested team invoked finishes with the result for that agent.', () => {
    const mesh = patterns.mesh({ agents: [agent('A'), agent('B')] })
    const topology = around('Z', ['Start -> T', 'T -> Z', 'Z -> End'], mesh)
    const stubs = { A: fan('B'), B: () => finish('b'), Z: wraps('Z') }
    expect(new MachineTestbed(topology, stubs).runUntilIdle().result.response).toBe('Z(b)')
  })

  it('The value of a finish leaves several nested teams that end with the agent.', () => {
    const inner = { agents: [{ name: 'U', topology: hub() }], flows: ['Start -> U', 'U -> End'] }
    const topology = around('Z', ['Start -> T', 'T -> Z', 'Z -> End'], inner)
    expect(new MachineTestbed(topology, { ...hubStubs, Z: wraps('Z') }).runUntilIdle().result.response).toBe('Z(p,q)')
    const between = {
      agents: [{ name: 'U', topology: hub() }, agent('V')],
      flows: ['Start -> U', 'U -> V', 'V -> End'],
    }
    const longer = around('Z', ['Start -> T', 'T -> Z', 'Z -> End'], between)
    const { response } = new MachineTestbed(longer, { ...hubStubs, ...wrapping('V Z') }).runUntilIdle().result
    expect(response).toBe('Z(V(p,q))')
  })

  it('The conditions of the edges of a nested team decide about a value with which an agent finishes.', () => {
    const play = (answer: string) => {
      const edges = { 'T -> Y': { when: { equals: 'y' } }, 'T -> Z': { when: { equals: 'z' } } }
      const flows = ['Start -> T', 'T -> Y', 'T -> Z', 'Y -> End', 'Z -> End']
      const topology = around('Y Z', flows, patterns.swarm({ agents: [agent('A'), agent('B')] }), { edges })
      const stubs = { A: () => handOff('B', answer), B: (i: unknown) => finish(i as never), ...wrapping('Y Z') }
      return new MachineTestbed(topology, stubs).runUntilIdle().result
    }
    expect(play('z').response).toBe('Z(z)')
    expect(play('x')).toMatchObject({ status: 'failed', error: { code: 'outcome.invalid' } })
  })

  it('An agent that a nested team notifies gets the value that leaves the team, and no other.', () => {
    const notify = { edges: { 'T -> N': { type: 'notify' } } }
    const topology = around('N Z', ['Start -> T', 'T -> N', 'T -> Z', 'Z -> End'], hub(), notify)
    const finishing = new MachineTestbed(topology, { ...hubStubs, N: leaf('n'), Z: wraps('Z') }).runUntilIdle()
    expect([finishing.result.response, finishing.inputsOf('N')]).toEqual(['Z(p,q)', [['p', 'q']]])
    const broadcast = patterns.broadcast({ broadcaster: agent('A'), receivers: [agent('B')], allowReplies: true })
    const flows = ['Start -> T', 'T -> N', 'T -> Z', 'Z -> End']
    const values = new MachineTestbed(around('N Z', flows, broadcast, notify), wrapping('A B N Z')).runUntilIdle()
    expect([values.result.response, values.inputsOf('N')]).toEqual(['Z(A(B(A(go))))', ['A(B(A(go)))']])
    const last = new MachineTestbed(around('N', ['Start -> T', 'T -> N'], hub(), notify), { ...hubStubs, N: leaf('n') })
    expect([last.runUntilIdle().result.response, last.inputsOf('N')]).toEqual([['p', 'q'], [['p', 'q']]])
  })

  it('A nested team fans out in the team first, and after it along its own edges.', () => {
    const broadcast = patterns.broadcast({ broadcaster: agent('A'), receivers: [agent('B')], allowReplies: true })
    const topology = around('Y Z', ['Start -> T', 'T => {Y, Z}', 'Y -> End', 'Z -> End'], broadcast)
    const { response } = new MachineTestbed(topology, wrapping('A B Y Z')).runUntilIdle().result
    expect(response).toEqual(['Y(A(B(A(go))))', 'Z(A(B(A(go))))'])
  })
})
