import { describe, expect, it } from 'vitest'
import type { Json, TaintLabel } from '../../../core/index.ts'
import type { Input } from '../machine-events.ts'
import { team } from '../machine-teams.test.fixture.ts'
import {
  type AgentStub,
  fails,
  finish,
  handOff,
  invoke,
  MachineTestbed,
  type Play,
  resultsIn,
  value,
} from '../machine-testbed.test.fixture.ts'

const web: TaintLabel = 'untrusted:web'
const payroll: TaintLabel = 'sensitive:payroll'
const reading =
  (play: Play, ...reads: TaintLabel[]): AgentStub =>
  () => ({ ...play, reads })
const taintOf = (testbed: MachineTestbed, agent: string, n = 0) =>
  testbed.calls.filter((c) => c.agent === agent)[n]?.command.taint

describe('taint in a run', () => {
  it('The taint of a task reaches every step and the result.', () => {
    const stubs = { A: () => value(1), B: () => finish(2) }
    const testbed = new MachineTestbed(team('A B', ['A -> B']), stubs, {}, 'go', [web]).runUntilIdle()
    expect([taintOf(testbed, 'A'), taintOf(testbed, 'B'), testbed.result.taint]).toEqual([[web], [web], [web]])
  })

  it('A run without tainted sources records no taint.', () => {
    const testbed = new MachineTestbed(team('A B', ['A -> B']), {
      A: () => value(1),
      B: () => finish(2),
    }).runUntilIdle()
    expect(testbed.result).not.toHaveProperty('taint')
    expect(JSON.stringify(testbed.events)).not.toContain('taint')
  })

  it('The taints of branches combine in the results of their caller, and not before.', () => {
    const flows = ['Lead <-> B', 'Lead <-> C', 'Lead -> End']
    const stubs = {
      Lead: (input: Json) => (resultsIn(input) ? finish('both') : invoke(['B', 1], ['C', 2])),
      B: reading(value('b'), web),
      C: reading(value('c', 10), payroll),
    }
    const testbed = new MachineTestbed(team('Lead B C', ['Start -> Lead', ...flows]), stubs).runUntilIdle()
    expect([taintOf(testbed, 'B'), taintOf(testbed, 'C')]).toEqual([undefined, undefined])
    expect(taintOf(testbed, 'Lead', 1)).toEqual([payroll, web])
    expect(testbed.result.taint).toEqual([payroll, web])
  })

  it('The taints of branches combine at the join of their group.', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> M', 'M -> End']
    const stubs = {
      A: () => value(1),
      B: reading(value('b'), web),
      C: reading(value('c', 10), payroll),
      M: () => finish('satisfied'),
    }
    const testbed = new MachineTestbed(team('A B C M', flows), stubs).runUntilIdle()
    expect(testbed.of('join.completed')).toHaveLength(1)
    expect([taintOf(testbed, 'M'), testbed.result.taint]).toEqual([
      [payroll, web],
      [payroll, web],
    ])
  })

  it('The taint of a step reaches agents that are only notified.', () => {
    const flows = ['Lead <-> B', 'Lead -> C', 'Lead -> End']
    const stubs = {
      Lead: (input: Json) => (resultsIn(input) ? finish('both') : invoke(['B', 1], ['C', 2])),
      B: () => value('b'),
      C: () => value('c'),
    }
    const edges = { 'Lead -> C': { type: 'notify' as const } }
    const testbed = new MachineTestbed(team('Lead B C', ['Start -> Lead', ...flows], { edges }), stubs, {}, 'go', [web])
    expect(testbed.runUntilIdle().result.taint).toEqual([web])
    expect([taintOf(testbed, 'B'), taintOf(testbed, 'C'), taintOf(testbed, 'Lead', 1)]).toEqual([[web], [web], [web]])
  })

  it('The taint of a request reaches the serving agent, and the taint of the answer returns to the asking agent.', () => {
    const asking: Play = { request: { to: 'B', payload: 1 }, next: () => value('answered'), reads: [web] }
    const stubs = { A: () => asking, B: reading(value('served'), payroll) }
    const testbed = new MachineTestbed(team('A B', ['A -> B']), stubs).runUntilIdle()
    expect(taintOf(testbed, 'B')).toEqual([web])
    expect(testbed.of('answer.delivered')[0]).toMatchObject({ taint: [payroll, web] })
    expect(testbed.of('step.completed').find(({ agent }) => agent === 'A')).toMatchObject({ taint: [payroll, web] })
  })

  it("The taint of a person's answer reaches the result.", () => {
    const asking: Play = { ask: { kind: 'question', text: '?' }, next: (answer) => finish(answer as Json) }
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: () => asking }).runUntilIdle()
    testbed.answer(String(testbed.result.questions[0]?.id), 'yes', ['untrusted:person'])
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'completed', taint: ['untrusted:person'] })
  })

  it('The taint of a failure reaches the substitute agent, and the taint of a rejected budget reaches the result.', () => {
    const failing: AgentStub = () => ({ ...fails('no'), reads: [web] })
    const config = { onError: { '*': { agent: 'B' } } }
    const testbed = new MachineTestbed(
      team('A B', ['A -> B']),
      { A: failing, B: () => finish('instead') },
      config,
    ).runUntilIdle()
    expect(taintOf(testbed, 'B')).toEqual([web])
    const rejected = new MachineTestbed(team('A', ['A -> End']), { A: () => value(1, 5) })
    const budget = { budget: 'tokens', used: 2, limit: 1 }
    rejected.apply({ at: rejected.now, type: 'budget.rejected', step: '1#1', ...budget, taint: [web] })
    expect(rejected.result).toMatchObject({ status: 'failed', taint: [web] })
  })

  it('A value that a person gives in place of a failure has the taint of the step.', () => {
    const failing: AgentStub = () => ({ ...fails('no'), reads: [web] })
    const config = { debug: { breakOn: ['error' as const] } }
    const testbed = new MachineTestbed(
      team('A B', ['A -> B']),
      { A: failing, B: () => finish(2) },
      config,
    ).runUntilIdle()
    const outcome = { kind: 'value', value: 'edited' } as const
    testbed.apply({ at: testbed.now, type: 'step.edited', step: '1#1', outcome, by: 'ada' })
    testbed.apply({ at: testbed.now, type: 'resume', by: 'ada' } as Input)
    expect(testbed.runUntilIdle().result.status).toBe('completed')
    expect(taintOf(testbed, 'B')).toEqual([web])
  })

  it('A step that vouches for its value ends the taint.', () => {
    const stubs = {
      A: reading(value(1), web),
      B: () => ({ ...value(2), vouches: true }),
      C: () => handOff('D', 3),
      D: () => finish(4),
    }
    const testbed = new MachineTestbed(team('A B C D', ['A -> B', 'B -> C', 'C -> D']), stubs, {}, 'go', [
      payroll,
    ]).runUntilIdle()
    expect(taintOf(testbed, 'B')).toEqual([payroll, web])
    expect([taintOf(testbed, 'C'), taintOf(testbed, 'D'), testbed.result.taint]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('The taint of a run has at most 16 labels, and one label for all others.', () => {
    const reads = Array.from({ length: 40 }, (_, i): TaintLabel => `untrusted:source${i}`)
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: reading(finish(1), ...reads) }).runUntilIdle()
    expect(testbed.result.taint).toHaveLength(16)
    expect(testbed.result.taint).toContain('untrusted:*')
  })
})
