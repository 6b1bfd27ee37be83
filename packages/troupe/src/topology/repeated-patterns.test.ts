/** Rings and loops that begin several times in a run. */
import { describe, expect, it } from 'vitest'
import { agent, leaf, team } from '../runs/machine/machine-teams.test.fixture.ts'
import {
  type AgentStub,
  fails,
  finish,
  handOff,
  invoke,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from '../runs/machine/machine-testbed.test.fixture.ts'
import { patterns } from './patterns.ts'

const wraps =
  (name: string): AgentStub =>
  (input) =>
    value(`${name}(${input})`)
const stubs = { A: wraps('A'), B: wraps('B') }
const around = (flows: readonly string[], topology: object) =>
  ({ agents: [agent('L'), { name: 'T', topology }], flows }) as never

describe('limits per pass', () => {
  const circle = () => patterns.ring({ agents: [agent('A'), agent('B')], rounds: 3 })
  const circled = 'B(A(B(A(B(A(go))))))'

  it('A ring does all its rounds each time that it begins.', () => {
    const called = around(['Start -> L', 'L <-> T', 'L -> End'], circle())
    const L: AgentStub = (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['T', 'go'], ['T', 'go']))
    const parallel = new MachineTestbed(called, { L, ...stubs }).runUntilIdle()
    expect(parallel.result.response).toEqual([circled, circled])
    const restarting: AgentStub = (i, _, n) => (n < 3 ? handOff('T', 'go') : finish(i))
    const cycle = around(['Start -> T', 'T -> L', 'L -> T', 'L -> End'], circle())
    expect(new MachineTestbed(cycle, { L: restarting, ...stubs }).runUntilIdle().result.response).toBe(circled)
  })

  it('A run that is retried may use each edge as often as in its first attempt.', () => {
    const B: AgentStub = (i, _, n) => (n === 3 ? fails('third') : value(`B(${i})`))
    const retry = { retry: { attempts: 2, backoff: '1ms' } } as const
    expect(new MachineTestbed(circle(), { A: wraps('A'), B }, retry).runUntilIdle().result.response).toBe(circled)
    const limited = team('A B', ['Start -> A', 'A -> B', 'A -> End'], { edges: { 'A -> B': { limit: 1 } } })
    const own = { A: leaf('a'), B: ((_, __, n) => (n === 1 ? fails('first') : value('b'))) satisfies AgentStub }
    expect(new MachineTestbed(limited, own, retry).runUntilIdle().result.response).toBe('b')
  })
})
